//! One suite for all kinds of model. A kind that is in `KINDS` is tested here without a line of its own: its keys are
//! found in its schema, its cases are made from the file that a user would write.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, reason = "modules of one test binary share these")]

mod answers;
mod bytes;
mod cases;
mod fits;
mod keys;
