// What panel_sums reads: GROUPS times four windows on planes of K of each operand, the kernel's first bindings.
#repeat g GROUPS
#repeat q 4
@group(0) @binding(8 * $g + $q) var<uniform> a$g$q: array<vec4<f32>, A_WORDS>;
@group(0) @binding(8 * $g + 4 + $q) var<uniform> b$g$q: array<vec4<f32>, B_WORDS>;
#end
#end
