//! WGSL source → specialised, checked module with its interface reflected → [`KernelCall`].
//!
//! A kernel is specialised by five mechanisms and no others: constants in a generated preamble, `#import` of a file of
//! `shaders/lib/`, one hole (`#code`) that a code generator fills, storage arrays read as uniform windows, and lines that
//! stand between `#repeat` and `#end`, written out so often.

mod call;
mod custom;
mod module;
mod source;

pub use call::{Bound, Candidates, Following, KernelCall, Operand, Scalar, Strategy, linear_grid};
pub use custom::{CustomKernel, Offer, Size};
pub use module::{Field, KernelError, Module};
pub use source::{Constant, Kernel, Source, Specialised};

pub(crate) use custom::{element, identity_epilogue};
pub(crate) use source::source;
