//! What an adapter can do, as a plain value that can be lowered.

use std::fmt;

/// What kind of machine an adapter is; strategies differ most along this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdapterKind {
    /// A GPU with its own memory.
    Discrete,
    /// A GPU that shares the host's memory.
    Integrated,
    /// A GPU behind a virtual machine.
    Virtual,
    /// A software implementation on the CPU.
    Software,
    /// Unknown.
    Other,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Software => "software",
            Self::Other => "other",
        })
    }
}

/// How much of an adapter's offer is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Everything the adapter offers that the engine has a use for.
    #[default]
    Offered,
    /// WebGPU's default limits and no optional feature: what works under this profile works everywhere.
    WebgpuMinimum,
}

/// Limits and features the planner chooses by. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    /// What kind of machine it is.
    pub kind: AdapterKind,
    /// Storage buffers a kernel may bind.
    pub storage_buffers: usize,
    /// Uniform buffers a kernel may bind.
    pub uniform_buffers: usize,
    /// Largest storage binding.
    pub binding_bytes: u64,
    /// Largest uniform binding.
    pub uniform_bytes: u64,
    /// Largest buffer.
    pub buffer_bytes: u64,
    /// Alignment of a storage binding's offset.
    pub storage_alignment: u64,
    /// Alignment of a dynamic uniform offset.
    pub uniform_alignment: u64,
    /// Workgroups along one dimension of a dispatch.
    pub workgroups: u32,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Workgroup memory.
    pub workgroup_bytes: u32,
    /// Immediate (push-constant) data; 0 where there is none.
    pub immediate_bytes: u32,
    /// Smallest and largest subgroup, where kernels may use subgroup operations.
    pub subgroup: Option<(u32, u32)>,
    /// GPU timestamps inside a pass.
    pub timestamps: bool,
    /// 16-bit floats in kernels.
    pub f16: bool,
    /// Rows and columns of the square cooperative matrices that multiply f16 and add up in f32, where the adapter has
    /// them and the device was opened with them.
    pub cooperative: Option<u32>,
    /// Whether a load from a storage buffer costs ten times one from a uniform buffer, as in Mesa's software driver
    /// before it knew which addresses are uniform: 55 against 5 ns for a vector on Mesa 22.3, both 5 ns on Mesa 26.
    pub slow_storage: bool,
}

impl Caps {
    /// WebGPU's default limits, with no optional feature.
    pub fn webgpu_minimum() -> Self {
        Self {
            kind: AdapterKind::Other,
            storage_buffers: 8,
            uniform_buffers: 12,
            binding_bytes: 128 << 20,
            uniform_bytes: 64 << 10,
            buffer_bytes: 256 << 20,
            storage_alignment: 256,
            uniform_alignment: 256,
            workgroups: 65_535,
            invocations: 256,
            workgroup_bytes: 16 << 10,
            immediate_bytes: 0,
            subgroup: None,
            timestamps: false,
            f16: false,
            cooperative: None,
            slow_storage: false,
        }
    }

    /// Whether the adapter runs on the CPU, where barriers and workgroup memory cost more than arithmetic.
    pub fn is_software(&self) -> bool {
        self.kind == AdapterKind::Software
    }

    /// `matrices` are the adapter's cooperative matrices; a device without the feature has none.
    pub(super) fn of(
        features: wgpu::Features,
        limits: &wgpu::Limits,
        info: &wgpu::AdapterInfo,
        matrices: &[wgpu::CooperativeMatrixProperties],
    ) -> Self {
        let timestamps = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES;
        Self {
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
                wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other => AdapterKind::Other,
            },
            storage_buffers: limits.max_storage_buffers_per_shader_stage as usize,
            uniform_buffers: limits.max_uniform_buffers_per_shader_stage as usize,
            binding_bytes: limits.max_storage_buffer_binding_size,
            uniform_bytes: limits.max_uniform_buffer_binding_size,
            buffer_bytes: limits.max_buffer_size,
            storage_alignment: u64::from(limits.min_storage_buffer_offset_alignment),
            uniform_alignment: u64::from(limits.min_uniform_buffer_offset_alignment),
            workgroups: limits.max_compute_workgroups_per_dimension,
            invocations: limits.max_compute_invocations_per_workgroup,
            workgroup_bytes: limits.max_compute_workgroup_storage_size,
            immediate_bytes: if features.contains(wgpu::Features::IMMEDIATES) { limits.max_immediate_size } else { 0 },
            // A browser's WGSL has to enable them, in words that naga refuses.
            subgroup: (features.contains(wgpu::Features::SUBGROUP) && !cfg!(target_family = "wasm"))
                .then_some((info.subgroup_min_size, info.subgroup_max_size)),
            timestamps: features.contains(timestamps),
            f16: features.contains(wgpu::Features::SHADER_F16),
            cooperative: if features.contains(COOPERATIVE) { largest_square(matrices) } else { None },
            slow_storage: info.driver == "llvmpipe" && mesa_version(&info.driver_info).is_none_or(|major| major < 25),
        }
    }
}

/// What kernels of cooperative matrices need: their subgroups are numbered, their operands are f16.
const COOPERATIVE: wgpu::Features =
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SUBGROUP).union(wgpu::Features::SHADER_F16);

/// The side of the largest square matrices that multiply f16 and add up in f32.
fn largest_square(matrices: &[wgpu::CooperativeMatrixProperties]) -> Option<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let square = |m: &&wgpu::CooperativeMatrixProperties| m.m_size == m.n_size && m.n_size == m.k_size;
    matrices.iter().filter(square).filter(|m| (m.ab_type, m.cr_type) == (F16, F32)).map(|m| m.m_size).max()
}

/// The major version in a driver's description such as `Mesa 22.3.6 (LLVM 15.0.6)`.
fn mesa_version(driver_info: &str) -> Option<u32> {
    driver_info.strip_prefix("Mesa ")?.split('.').next()?.parse().ok()
}

impl Profile {
    /// The features and limits a device is opened with, `cooperative` matrices among them if wanted.
    pub(super) fn request(
        self,
        cooperative: bool,
        features: wgpu::Features,
        limits: wgpu::Limits,
    ) -> (wgpu::Features, wgpu::Limits) {
        match self {
            Self::Offered => {
                let mut useful = wgpu::Features::TIMESTAMP_QUERY
                    | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES
                    | wgpu::Features::SUBGROUP
                    | wgpu::Features::IMMEDIATES
                    | wgpu::Features::SHADER_F16;
                useful.set(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, cooperative);
                (features & useful, limits)
            }
            Self::WebgpuMinimum => (wgpu::Features::empty(), wgpu::Limits::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mesa_version;

    #[test]
    fn mesa_names_its_version() {
        assert_eq!(mesa_version("Mesa 22.3.6 (LLVM 15.0.6)"), Some(22));
        assert_eq!(mesa_version("Mesa 26.1.6-1~bpo13+1 (LLVM 19.1.7)"), Some(26));
        assert_eq!(mesa_version("550.54"), None);
    }
}
