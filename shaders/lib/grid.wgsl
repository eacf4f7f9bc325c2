// The number of a workgroup in a grid that was folded into two dimensions (kernel::linear_grid).
fn linear_workgroup(id: vec3<u32>, count: vec3<u32>) -> u32 {
    return id.y * count.x + id.x;
}
