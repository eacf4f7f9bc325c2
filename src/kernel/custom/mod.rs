//! Kernels from outside: WGSL text whose header says which op it computes, when, and over how many workgroups. The
//! contract is docs/kernels.md.

mod expression;
mod header;
mod size;

pub use size::Size;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use expression::Expression;
use header::Header;

use super::call::{KernelCall, Operand};
use super::module::{Field, KernelError, Module};
use super::source::Kernel;
use crate::gpu::{Access, Caps};

/// A kernel from outside, read and checked: a strategy of the op it names, wherever its header allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomKernel {
    /// Its file's name; also that of its strategy.
    name: &'static str,
    header: Header,
    kernel: Kernel,
    takes_epilogue: bool,
    /// Known before the sizes are, unless some of these are constants.
    interface: Option<Interface>,
}

/// What a kernel binds and takes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interface {
    input_count: usize,
    fields: Vec<Field>,
}

/// What a kernel from outside says to a use of an op.
#[derive(Clone, Debug, PartialEq)]
pub enum Offer<T> {
    /// It computes it, by this.
    Taken(T),
    /// It does not, and why.
    Declined(String),
}

/// The type of so many neighbouring f32.
pub(crate) fn element(width: usize) -> &'static str {
    match width {
        4 => "vec4<f32>",
        2 => "vec2<f32>",
        _ => "f32",
    }
}

/// An `fn epilogue` that leaves each result as it is.
pub(crate) fn identity_epilogue(width: usize) -> String {
    let ty = element(width);
    format!("alias Elem = {ty};\nfn epilogue(value: Elem, index: u32) -> Elem {{ return value; }}")
}

impl CustomKernel {
    /// Reads the kernel in `text`. `name` is what errors and listings call it: the name of its file, such as
    /// `mine.wgsl`, with a full stop, which no strategy of the engine has in its name.
    ///
    /// # Errors
    /// When the header or the WGSL is at fault, with the line. The WGSL of a kernel that takes sizes as constants is
    /// looked at once they are known.
    pub fn parse(name: &str, text: &str) -> Result<Self, KernelError> {
        let text = text.trim_start_matches('\u{feff}');
        let kernel = Kernel::foreign(name, text);
        if !name.contains('.') {
            let why = "its name has no ending, such as .wgsl: it could be that of a strategy of the engine".to_owned();
            return Err(kernel.fault(0, why));
        }
        let header = Header::parse(text).map_err(|(line, why)| kernel.fault(line, why))?;
        let takes_epilogue = text.lines().any(|line| line == "#code");
        if header.width != 1 && !takes_epilogue {
            return Err(kernel.fault(0, "it has a width, but no line `#code` to end with `epilogue`".to_owned()));
        }
        let mut new = Self { name: kept(name), header, kernel, takes_epilogue, interface: None };
        if new.header.constants.is_empty() {
            new.interface = Some(new.interface_of(&new.kernel)?);
        }
        Ok(new)
    }

    /// Reads the kernel in a file.
    ///
    /// # Errors
    /// When the file cannot be read, or as [`CustomKernel::parse`].
    pub fn read(path: &Path) -> Result<Self, KernelError> {
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        let unread = |e: std::io::Error| Kernel::foreign(&path.to_string_lossy(), "").fault(0, e.to_string());
        Self::parse(&name, &std::fs::read_to_string(path).map_err(unread)?)
    }

    /// What its strategy is called: the name of its file.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The op that it computes, by [`Op::name`](crate::graph::Op::name).
    pub fn op(&self) -> &str {
        &self.header.op
    }

    /// Whether element-wise ops behind it can be fused into it: it has a line `#code` and ends with `epilogue`.
    pub fn takes_epilogue(&self) -> bool {
        self.takes_epilogue
    }

    /// Results that its `epilogue` takes at once: 1 or 4.
    pub fn epilogue_width(&self) -> usize {
        self.header.width
    }

    /// The call that computes an op of these sizes from `input_count` inputs, to `output`; its hole is still open.
    ///
    /// # Errors
    /// When it names sizes that the op has not, binds another number of tensors, or the WGSL is at fault.
    pub fn call(
        &self,
        sizes: &[Size],
        input_count: usize,
        output: Operand,
        caps: &Caps,
    ) -> Result<Offer<KernelCall>, KernelError> {
        let header = &self.header;
        let mut kernel = self.kernel.clone();
        for name in &header.constants {
            let size = self.size(sizes, name, header.constants_line)?;
            kernel = kernel.own_constant(name.to_ascii_uppercase(), size.value);
        }
        let value = |expression: &Expression, line: u32| {
            let mut names = BTreeSet::new();
            expression.names(&mut names);
            names.iter().try_for_each(|name| self.size(sizes, name, line).map(drop))?;
            let value = |name: &str| Some(sizes.iter().find(|size| size.name == name)?.value as u64);
            expression.value(&value).map_err(|why| self.kernel.fault(line, why))
        };
        for (condition, text, line) in &header.conditions {
            if value(condition, *line)? == 0 {
                return Ok(Offer::Declined(format!("`{text}` does not hold")));
            }
        }
        let interface = match &self.interface {
            Some(interface) => interface.clone(),
            None => self.interface_of(&kernel)?,
        };
        if interface.input_count != input_count {
            let why = format!("{} has {input_count} inputs, it binds {}", header.op, interface.input_count);
            return Err(self.kernel.fault(0, why));
        }
        let mut minded = header.names();
        minded.extend(interface.fields.iter().map(|field| field.name.clone()));
        if let Some(size) = sizes.iter().find(|size| !size.is_minded(&minded)) {
            return Ok(Offer::Declined(format!("it does not mind {}, which is {}", size.name, size.value)));
        }
        let mut grid = [1; 3];
        for (extent, expression) in grid.iter_mut().zip(&header.dispatch) {
            match u32::try_from(value(expression, header.dispatch_line)?) {
                Ok(count) if (1..=caps.workgroups).contains(&count) => *extent = count,
                Ok(count) => {
                    let why =
                        format!("its grid has an extent of {count}, which is not within 1 and {}", caps.workgroups);
                    return Ok(Offer::Declined(why));
                }
                Err(_) => return Ok(Offer::Declined("its grid has an extent of 2³² or more".to_owned())),
            }
        }
        let mut call = KernelCall::new(kernel, grid).bind_inputs(input_count).bind(output);
        for field in &interface.fields {
            let size = self.size(sizes, &field.name, 0)?;
            call = call.param(size.name, size.value);
        }
        Ok(Offer::Taken(call))
    }

    fn size<'a>(&self, sizes: &'a [Size], name: &str, line: u32) -> Result<&'a Size, KernelError> {
        let missing = || {
            let known: Vec<&str> = sizes.iter().map(|size| size.name).collect();
            self.kernel.fault(line, format!("{} has no size {name}; it has {}", self.header.op, known.join(", ")))
        };
        sizes.iter().find(|size| size.name == name).ok_or_else(missing)
    }

    fn interface_of(&self, kernel: &Kernel) -> Result<Interface, KernelError> {
        let whole = match self.takes_epilogue {
            true => kernel.clone().code(identity_epilogue(self.header.width)),
            false => kernel.clone(),
        };
        let module = Module::new(&whole, false)?;
        let fault = |why: &str| Err(kernel.fault(0, why.to_owned()));
        match module.spec.bindings.split_last() {
            Some((Access::Write | Access::ReadWrite, inputs)) if inputs.iter().all(|&input| input == Access::Read) => {
                if module.fields.iter().any(|field| field.float) {
                    return fault("parameters are sizes: all u32");
                }
                Ok(Interface { input_count: inputs.len(), fields: module.fields })
            }
            _ => fault("it must bind the op's inputs as `var<storage, read>`, then its output as `read_write`"),
        }
    }
}

/// `name` for as long as the program runs: strategies have names that are never freed, and a program has few kernels.
fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(name) {
        Some(kept) => kept,
        None => {
            let kept: &'static str = Box::leak(name.into());
            names.insert(kept);
            kept
        }
    }
}
