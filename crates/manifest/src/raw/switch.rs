//! Raw switches: keys that are off, on, or on with settings: `reuse` and `warm_start`.

use std::{fmt, marker::PhantomData, ops::Range};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use crate::{At, Reuse, WarmStart};

/// `false`; `true` for the defaults; or a table of settings, each with its default.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, rename = "{T}OrNot")]
pub(crate) enum Switch<T> {
    On(bool),
    With(T),
}

/// The table of a [`Switch`].
pub(crate) trait Settings: Sized {
    /// What is expected in the place of a value of the wrong type.
    const EXPECTED: &'static str;

    /// Own keys over a base's.
    fn over(self, base: Self) -> Self;

    /// Every key with its default, said at a place.
    fn defaults(place: Range<usize>) -> Self;
}

impl<T: Settings> Switch<T> {
    /// A table is put over a table key by key, and `true` is the table of the defaults. Over
    /// `false` it stands alone, and `true` and `false` replace whatever there is.
    pub(crate) fn over(own: At<Self>, base: At<Self>) -> At<Self> {
        let (place, base_place) = (own.span(), base.span());
        let choice = match (own.0.into_inner(), base.0.into_inner()) {
            (Self::With(own), Self::With(base)) => Self::With(own.over(base)),
            (Self::With(own), Self::On(true)) => Self::With(own.over(T::defaults(base_place))),
            (own, _) => own,
        };
        At(Spanned::new(place, choice))
    }

    /// Is anything switched on?
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self, Self::On(false))
    }

    /// With defaults; `None` is off.
    pub(crate) fn resolve<M: Default + From<T>>(self) -> Option<M> {
        match self {
            Self::On(false) => None,
            Self::On(true) => Some(M::default()),
            Self::With(settings) => Some(settings.into()),
        }
    }
}

impl<'de, T: Settings + Deserialize<'de>> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice<T>(PhantomData<T>);
        impl<'de, T: Settings + Deserialize<'de>> Visitor<'de> for Choice<T> {
            type Value = Switch<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_bool<E>(self, on: bool) -> Result<Switch<T>, E> {
                Ok(Switch::On(on))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Switch<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Switch::With)
            }
        }
        deserializer.deserialize_any(Choice(PhantomData))
    }
}

/// How much an expert may lose by being kept or patched instead of retrained.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Reuse")]
pub(crate) struct RawReuse {
    /// Largest tolerated increase of the validation loss, as a share of the smaller of loss and
    /// skill; above 0 and below 1. Default: 0.02.
    #[schemars(extend(
        "exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0, "default" = Reuse::default().tolerance
    ))]
    pub(crate) tolerance: Option<At<f64>>,
    /// Confidence of the bound that must stay within the tolerance, from 0.5 to below 1.
    /// Default: 0.95.
    #[schemars(
        range(min = 0.5),
        extend("exclusiveMaximum" = 1.0, "default" = Reuse::default().confidence)
    )]
    pub(crate) confidence: Option<At<f64>>,
}

/// How long fits may go on beginning from the last model.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "WarmStart")]
pub(crate) struct RawWarmStart {
    /// After this many warm starts in a row one fit is cold, at least 1. Default: 10.
    #[schemars(range(min = 1), extend("default" = WarmStart::default().cold_every))]
    pub(crate) cold_every: Option<At<u32>>,
}

impl Settings for RawReuse {
    const EXPECTED: &'static str =
        "`true`, `false` or a table such as `{ tolerance = 0.02, confidence = 0.95 }`";

    fn over(self, base: Self) -> Self {
        Self {
            tolerance: self.tolerance.or(base.tolerance),
            confidence: self.confidence.or(base.confidence),
        }
    }

    fn defaults(place: Range<usize>) -> Self {
        let Reuse { tolerance, confidence } = Reuse::default();
        Self {
            tolerance: Some(At(Spanned::new(place.clone(), tolerance))),
            confidence: Some(At(Spanned::new(place, confidence))),
        }
    }
}

impl Settings for RawWarmStart {
    const EXPECTED: &'static str = "`true`, `false` or a table such as `{ cold_every = 10 }`";

    fn over(self, base: Self) -> Self {
        Self { cold_every: self.cold_every.or(base.cold_every) }
    }

    fn defaults(place: Range<usize>) -> Self {
        Self { cold_every: Some(At(Spanned::new(place, WarmStart::default().cold_every))) }
    }
}

impl From<RawReuse> for Reuse {
    fn from(raw: RawReuse) -> Self {
        let default = Self::default();
        Self {
            tolerance: raw.tolerance.map_or(default.tolerance, |share| *share.get()),
            confidence: raw.confidence.map_or(default.confidence, |share| *share.get()),
        }
    }
}

impl From<RawWarmStart> for WarmStart {
    fn from(raw: RawWarmStart) -> Self {
        let default = Self::default();
        Self { cold_every: raw.cold_every.map_or(default.cold_every, |times| *times.get()) }
    }
}
