//! Panic containment for third-party readers: a panic in them is an error about the file.
//!
//! The readers of Arrow and Parquet check most of what they are given and index by the rest. A flipped bit
//! then panics, deep in a library, with a text for its authors. Here it ends as what it is, a damaged file,
//! and nothing is printed. It is the last line: what can be checked before is ([`super::ipc`],
//! [`super::parquet`]), above all sizes, since no memory is no panic but the end of the process.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    path::Path,
    sync::Once,
};

use crate::{DataError, DataErrorKind};

thread_local! {
    /// How deep this thread is in work whose panics are nobody's business.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Runs a reader of a file and turns a panic into an error. What it leaves behind after a panic must not be
/// used: everybody who gets an error here stops reading.
pub(crate) fn contained<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, DataError>,
) -> Result<T, DataError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |panic| {
            if INSIDE.get() == 0 {
                told(panic);
            }
        }));
    });
    INSIDE.set(INSIDE.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(INSIDE.get() - 1);
    result.unwrap_or_else(|panic| {
        let said = said(panic.as_ref());
        let message = format!("the file is damaged: its reader gave up with \"{said}\"");
        Err(DataError::new(DataErrorKind::Damaged, message)
            .file(path)
            .help("nothing of it is used: fetch or write the file again"))
    })
}

/// What a panic says, in one line.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "no words",
    };
    text.lines().next().unwrap_or_default().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_damaged_file_and_everything_else_passes() {
        let path = Path::new("t.parquet");
        let error = contained(path, || -> Result<(), _> { panic!("index {} of 3\nand more", 7) });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), DataErrorKind::Damaged);
        assert_eq!(
            error.to_string(),
            "t.parquet: the file is damaged: its reader gave up with \"index 7 of 3\""
        );
        assert_eq!(contained(path, || Ok(3)).unwrap(), 3);
        assert_eq!(INSIDE.get(), 0);
        let error = contained(path, || Err::<(), _>(DataError::interrupted())).unwrap_err();
        assert!(error.is_interrupted());
    }
}
