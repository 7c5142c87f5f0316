//! Conditional permutation importance: what an input adds to the other inputs of an expert.
//!
//! To exchange an input among all rows costs something in two cases: the expert answers to it and the
//! target does too, or the expert answers to it and it merely *varies with* an input that the target
//! answers to. In the second case its part in the output is a copy of something else, and an exchange
//! breaks the copy. Exchanged only among rows in which the other inputs say the same of it, it stays as
//! good a copy as it was, and costs nothing (Strobl et al. 2008, *Conditional variable importance for
//! random forests*).
//!
//! Which rows are alike is decided by [`Partners`], what an exchange costs by [`exchange_costs`].

mod cost;
mod partners;

pub use cost::{Rises, exchange_costs};
pub use partners::{Expected, Partners};
