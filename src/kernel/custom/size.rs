//! The sizes of an op's use, by the names under which kernels from outside ask for them.

use std::collections::BTreeSet;

/// A number that shapes a use of an op.
///
/// A kernel *minds* a size when it names it: as a parameter, a constant, or in its header. It is offered only uses all of
/// whose sizes it minds, but for those that have the value a simple kernel takes for granted, such as a stride of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its name, such as `m` or `stride_y`.
    pub name: &'static str,
    /// Its value.
    pub value: usize,
    unminded: Unminded,
}

/// Which kernels may leave a size unnamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unminded {
    None,
    /// All, where it has this value; and always those that name one of these sizes, which say as much.
    Where(usize, &'static [&'static str]),
    All,
}

impl Size {
    /// An extent, which every kernel must name.
    pub fn extent(name: &'static str, value: usize) -> Self {
        Self { name, value, unminded: Unminded::None }
    }

    /// A number that kernels need not name where it is `plain`, or where they name one of `instead`.
    pub fn attribute(name: &'static str, value: usize, plain: usize, instead: &'static [&'static str]) -> Self {
        Self { name, value, unminded: Unminded::Where(plain, instead) }
    }

    /// A number that follows from the others.
    pub fn derived(name: &'static str, value: usize) -> Self {
        Self { name, value, unminded: Unminded::All }
    }

    /// Whether a kernel that names `names` minds it.
    pub(super) fn is_minded(&self, names: &BTreeSet<String>) -> bool {
        names.contains(self.name)
            || match self.unminded {
                Unminded::None => false,
                Unminded::Where(plain, instead) => {
                    self.value == plain || instead.iter().any(|&name| names.contains(name))
                }
                Unminded::All => true,
            }
    }
}
