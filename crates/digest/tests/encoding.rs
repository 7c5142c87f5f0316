//! The canonical encoding keeps different things apart and equal things together.

use collegium_digest::{Digest, Hasher, NotANumber, stream};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
enum Field {
    Text(String),
    Bytes(Vec<u8>),
    Boolean(bool),
    Integer(i64),
    Count(u64),
    Float(f64),
    List(usize),
}

fn hash(fields: &[Field]) -> Digest {
    let mut hasher = Hasher::new("test");
    for field in fields {
        match field {
            Field::Text(v) => hasher.text(v),
            Field::Bytes(v) => hasher.bytes(v),
            Field::Boolean(v) => hasher.boolean(*v),
            Field::Integer(v) => hasher.integer(*v),
            Field::Count(v) => hasher.count(*v),
            Field::Float(v) => hasher.float(*v).expect("the strategy makes no NaN"),
            Field::List(v) => hasher.list(*v),
        };
    }
    hasher.finish()
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        "[ab]{0,3}".prop_map(Field::Text),
        prop::collection::vec(0u8..3, 0..4).prop_map(Field::Bytes),
        any::<bool>().prop_map(Field::Boolean),
        (-2i64..3).prop_map(Field::Integer),
        (0u64..3).prop_map(Field::Count),
        prop_oneof![Just(0.0), Just(1.0), Just(f64::INFINITY)].prop_map(Field::Float),
        (0usize..3).prop_map(Field::List),
    ]
}

proptest! {
    #[test]
    fn two_sequences_share_a_digest_exactly_when_they_are_equal(
        a in prop::collection::vec(field(), 0..5),
        b in prop::collection::vec(field(), 0..5),
    ) {
        prop_assert_eq!(a == b, hash(&a) == hash(&b));
    }

    #[test]
    fn a_digest_survives_its_text_form(bytes in any::<[u8; 32]>()) {
        let digest = Digest::from_bytes(bytes);
        prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
    }
}

#[test]
fn minus_zero_is_zero_and_nan_is_refused() {
    assert_eq!(hash(&[Field::Float(-0.0)]), hash(&[Field::Float(0.0)]));
    assert_eq!(Hasher::new("test").float(f64::NAN).err(), Some(NotANumber));
}

#[test]
fn a_domain_keeps_equal_fields_apart() {
    assert_ne!(Hasher::new("a").finish(), Hasher::new("b").finish());
}

#[test]
fn text_that_is_not_64_hexadecimal_digits_is_no_digest() {
    for text in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
        assert!(text.parse::<Digest>().is_err(), "{text}");
    }
}

#[test]
fn a_stream_depends_on_key_and_purpose_alone() {
    let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
    let draw = |key, purpose| stream(key, purpose).random::<u64>();
    assert_eq!(draw(&a, "weights"), draw(&a, "weights"));
    assert_ne!(draw(&a, "weights"), draw(&a, "shuffle"));
    assert_ne!(draw(&a, "weights"), draw(&b, "weights"));
}

#[test]
fn the_encoding_and_the_stream_are_frozen() {
    // A change here changes every key in every store: raise the engine epoch with it.
    let digest = hash(&[Field::Text("a".into()), Field::Integer(-1), Field::Float(0.5)]);
    assert_eq!(digest.short(), "29a0ffa1ad06");
    assert_eq!(stream(&digest, "weights").random::<u64>(), 12_370_970_398_013_685_997);
}
