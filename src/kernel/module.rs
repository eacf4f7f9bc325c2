//! A specialised kernel, parsed and checked by naga, with its interface reflected.

use std::fmt;
use std::sync::Arc;

use naga::valid::GlobalUse;
use naga::{AddressSpace, ScalarKind, ShaderStage, SourceLocation, StorageAccess, TypeInner};

use super::call::Scalar;
use super::source::{Kernel, Specialised};
use crate::gpu::{Access, PARAMS_BYTES, PipelineSpec};

/// A kernel that does not hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelError {
    /// The kernel, or its file.
    pub kernel: String,
    /// The line of its file, from 1, where one is at fault.
    pub line: Option<u32>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "kernel {}:{line}: {}", self.kernel, self.why),
            None => write!(f, "kernel {}: {}", self.kernel, self.why),
        }
    }
}

impl std::error::Error for KernelError {}

/// A field of a kernel's parameter struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in WGSL.
    pub name: String,
    /// Byte offset.
    pub offset: u32,
    /// Whether it is an f32; else a u32.
    pub float: bool,
}

/// A checked kernel, ready to become a pipeline.
#[derive(Clone, Debug)]
pub struct Module {
    /// What a device makes a pipeline from.
    pub spec: PipelineSpec,
    /// The parameter struct.
    pub fields: Vec<Field>,
    /// Bytes of workgroup memory used, which wgpu does not check.
    pub workgroup_bytes: u32,
}

impl Module {
    /// Specialises, parses and validates `kernel`, and reflects its bindings and parameters.
    ///
    /// # Errors
    /// On any fault of the source, in naga's words.
    pub fn new(kernel: &Kernel, immediates: bool) -> Result<Self, KernelError> {
        let fault = |why: String| kernel.fault(0, why);
        let specialised = kernel.wgsl(immediates)?;
        let wgsl = specialised.wgsl.as_str();
        let module = naga::front::wgsl::parse_str(wgsl)
            .map_err(|e| located(kernel, &specialised, e.location(wgsl), e.message().to_owned()))?;
        let capabilities = naga::valid::Capabilities::all();
        let info = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities)
            .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
            .subgroup_operations(naga::valid::SubgroupOperationSet::all())
            .validate(&module)
            .map_err(|e| located(kernel, &specialised, e.location(wgsl), with_causes(e.as_inner())))?;
        let at = |global, why: &str| {
            let place = module.global_variables.get_span(global).location(wgsl);
            located(kernel, &specialised, Some(place), why.to_owned())
        };
        let [entry] = module.entry_points.as_slice() else {
            let count = module.entry_points.len();
            return Err(fault(format!("{count} entry points; one is wanted, a compute shader called main")));
        };
        if entry.name != "main" || entry.stage != ShaderStage::Compute {
            return Err(fault(format!("the entry point is {:?}, not a compute shader called main", entry.name)));
        }
        let mut bindings = Vec::new();
        let (mut fields, mut params_bytes, mut workgroup_bytes) = (Vec::new(), 0, 0);
        for (handle, global) in module.global_variables.iter() {
            let inner = &module.types[global.ty].inner;
            match global.space {
                AddressSpace::Storage { access } => {
                    let place = global.binding.filter(|b| b.group == 0).map(|b| b.binding as usize);
                    let place = place.ok_or_else(|| at(handle, "a storage binding outside group 0"))?;
                    // WGSL has no write-only storage: what the kernel does tells the two apart.
                    let reads = info.get_entry_point(0)[handle].intersects(GlobalUse::READ | GlobalUse::ATOMIC);
                    bindings.push((
                        place,
                        handle,
                        match (access.contains(StorageAccess::STORE), reads) {
                            (false, _) => Access::Read,
                            (true, false) => Access::Write,
                            (true, true) => Access::ReadWrite,
                        },
                    ));
                }
                AddressSpace::Uniform if global.binding.is_some_and(|b| b.group == 0) => {
                    bindings.extend(global.binding.map(|b| (b.binding as usize, handle, Access::Uniform)));
                }
                AddressSpace::Immediate | AddressSpace::Uniform => {
                    let TypeInner::Struct { members, span } = inner else {
                        return Err(at(handle, "parameters must be a struct"));
                    };
                    (fields, params_bytes) = (reflect(&module, members).map_err(&fault)?, *span);
                }
                AddressSpace::WorkGroup => workgroup_bytes += inner.size(module.to_ctx()),
                _ => {}
            }
        }
        bindings.sort_unstable_by_key(|(place, ..)| *place);
        if let Some((i, (_, handle, _))) = bindings.iter().enumerate().find(|(i, (place, ..))| i != place) {
            return Err(at(*handle, &format!("bindings are numbered from 0 without gaps: this is the place of {i}")));
        }
        if params_bytes as usize > PARAMS_BYTES {
            return Err(fault(format!("{params_bytes} bytes of parameters, of {PARAMS_BYTES}")));
        }
        let spec = PipelineSpec {
            label: kernel.name().to_owned(),
            wgsl: wgsl.into(),
            checked: kernel.is_foreign(),
            bindings: bindings.into_iter().map(|(.., access)| access).collect::<Arc<[_]>>(),
            params_bytes,
            workgroup: entry.workgroup_size,
        };
        Ok(Self { spec, fields, workgroup_bytes })
    }

    /// Lays named parameter values out as the kernel's struct.
    ///
    /// # Errors
    /// When a field has no value, a value has no field, or the types differ.
    pub fn pack(&self, params: &[(&'static str, Scalar)]) -> Result<Vec<u8>, KernelError> {
        let fault = |why: String| KernelError { kernel: self.spec.label.clone(), line: None, why };
        let mut bytes = vec![0; self.spec.params_bytes as usize];
        for (name, _) in params {
            if !self.fields.iter().any(|f| f.name == *name) {
                return Err(fault(format!("no parameter is called {name}")));
            }
        }
        for field in &self.fields {
            let value = params.iter().find(|(name, _)| *name == field.name).map(|(_, value)| *value);
            let word = match value {
                Some(Scalar::U32(v)) if !field.float => v.to_le_bytes(),
                Some(Scalar::F32(v)) if field.float => v.to_le_bytes(),
                Some(_) => return Err(fault(format!("parameter {} is of the other type", field.name))),
                None => return Err(fault(format!("parameter {} has no value", field.name))),
            };
            let start = field.offset as usize;
            bytes[start..start + 4].copy_from_slice(&word);
        }
        Ok(bytes)
    }
}

/// An error of naga's, at its line of the kernel's file, with the line it concerns.
fn located(kernel: &Kernel, specialised: &Specialised, at: Option<SourceLocation>, what: String) -> KernelError {
    let number = at.map_or(0, |at| at.line_number as usize);
    let line =
        number.checked_sub(1).and_then(|i| Some((specialised.origins.get(i)?, specialised.wgsl.lines().nth(i)?)));
    match line {
        Some((&origin, text)) => kernel.fault(origin, format!("{what}, in `{}`", text.trim())),
        None => kernel.fault(0, what),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

fn reflect(module: &naga::Module, members: &[naga::StructMember]) -> Result<Vec<Field>, String> {
    members
        .iter()
        .map(|member| {
            let name = member.name.clone().unwrap_or_default();
            match module.types[member.ty].inner {
                TypeInner::Scalar(naga::Scalar { kind: ScalarKind::Float, width: 4 }) => {
                    Ok(Field { name, offset: member.offset, float: true })
                }
                TypeInner::Scalar(naga::Scalar { kind: ScalarKind::Uint, width: 4 }) => {
                    Ok(Field { name, offset: member.offset, float: false })
                }
                _ => Err(format!("parameter {name} is neither u32 nor f32")),
            }
        })
        .collect()
}
