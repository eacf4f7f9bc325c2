//! Every kernel × specialisation that the op table lowers to, or the bench measures peaks with, written out by naga for
//! the APIs wgpu reaches: the portability check that needs none of those machines.

use std::collections::HashSet;

use girih::gpu::{AdapterKind, Caps};
use girih::graph::Lowering;
use girih::kernel::{Kernel, Module};
use girih::ops::OPS;
use girih::tensor::TensorType;
use naga::back::{glsl, hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, SubgroupOperationSet, ValidationFlags, Validator};

#[test]
fn every_kernel_becomes_spirv_msl_and_hlsl() {
    let (mut failures, mut count, mut glsl_count) = (Vec::new(), 0, 0);
    for kernel in kernels() {
        // A uniform for parameters, as where there are no immediates: every backend has uniforms.
        let wgsl = Module::new(&kernel, false).unwrap_or_else(|e| panic!("{e}")).spec.wgsl;
        let module = naga::front::wgsl::parse_str(&wgsl).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&wgsl)));
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
        validator.subgroup_stages(naga::valid::ShaderStages::COMPUTE);
        validator.subgroup_operations(SubgroupOperationSet::all());
        let info = validator.validate(&module).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&wgsl)));
        count += 1;
        // Of the APIs, only Vulkan and Metal have cooperative matrices, and naga panics where it cannot write them.
        let everywhere = !wgsl.contains("enable wgpu_cooperative_matrix;");
        let mut written = vec![("SPIR-V", spirv(&module, &info))];
        // Metal's are of 8×8.
        if everywhere || wgsl.contains("coop_mat8x8") {
            written.push(("MSL", metal(&module, &info)));
        }
        if everywhere {
            written.push(("HLSL", direct3d(&module, &info)));
            glsl_count += usize::from(opengl(&module, &info).is_ok());
        }
        for (api, written) in written {
            if let Err(why) = written {
                failures.push(format!("{} as {api}: {why}", kernel.name()));
            }
        }
    }
    failures.sort();
    failures.dedup();
    assert!(failures.is_empty(), "of {count} kernels:\n{}", failures.join("\n"));
    // GLSL ES has no subgroup operations; all others must write.
    println!("{count} kernels as SPIR-V, MSL and HLSL, as far as these reach; {glsl_count} as GLSL ES 3.1");
}

/// The kernels of all strategies of all cases, and the bench's, for all kinds of devices.
fn kernels() -> HashSet<Kernel> {
    let minimum = Caps::webgpu_minimum();
    let software = Caps { kind: AdapterKind::Software, ..minimum.clone() };
    let discrete =
        Caps { kind: AdapterKind::Discrete, subgroup: Some((32, 32)), immediate_bytes: 128, ..minimum.clone() };
    let small_subgroups = Caps { subgroup: Some((8, 8)), immediate_bytes: 128, slow_storage: true, ..software.clone() };
    let half = Caps { f16: true, cooperative: Some(16), invocations: 1024, ..discrete.clone() };
    let small_matrices = Caps { cooperative: Some(8), ..half.clone() };
    let mut kernels: HashSet<Kernel> = [&minimum, &software, &half, &small_matrices, &small_subgroups]
        .into_iter()
        .flat_map(girih::bench::kernels)
        .collect();
    for case in OPS.iter().flat_map(|entry| (entry.cases)()) {
        let types: Vec<TensorType> = case.inputs.iter().map(|i| i.ty.clone()).collect();
        let output = case.op.infer(&types).unwrap_or_else(|e| panic!("{}: {}", case.name, e.0));
        for caps in [&minimum, &software, &half, &small_matrices, &small_subgroups] {
            let lowering = Lowering { inputs: &types, output: &output, caps, epilogue: None };
            kernels.extend(case.op.lower(&lowering).into_iter().flat_map(|s| s.calls).map(|c| c.kernel));
        }
    }
    kernels
}

fn spirv(module: &naga::Module, info: &ModuleInfo) -> Result<(), String> {
    let options = spv::Options { lang_version: (1, 3), ..Default::default() };
    spv::write_vec(module, info, &options, None).map(drop).map_err(|e| e.to_string())
}

fn metal(module: &naga::Module, info: &ModuleInfo) -> Result<(), String> {
    let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    let pipeline = msl::PipelineOptions::default();
    msl::write_string(module, info, &options, &pipeline).map(drop).map_err(|e| e.to_string())
}

fn direct3d(module: &naga::Module, info: &ModuleInfo) -> Result<(), String> {
    let options =
        hlsl::Options { shader_model: hlsl::ShaderModel::V6_0, fake_missing_bindings: true, ..Default::default() };
    let pipeline = hlsl::PipelineOptions::default();
    let mut out = String::new();
    let mut writer = hlsl::Writer::new(&mut out, &options, &pipeline);
    writer.write(module, info, None).map(drop).map_err(|e| e.to_string())
}

fn opengl(module: &naga::Module, info: &ModuleInfo) -> Result<(), String> {
    let options = glsl::Options { version: glsl::Version::new_gles(310), ..Default::default() };
    let pipeline =
        glsl::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: "main".into(), multiview: None };
    let policies = naga::proc::BoundsCheckPolicies::default();
    let mut out = String::new();
    glsl::Writer::new(&mut out, module, info, &options, &pipeline, policies)
        .and_then(|mut writer| writer.write())
        .map(drop)
        .map_err(|e| e.to_string())
}
