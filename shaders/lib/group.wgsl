// Groups of LANES invocations, WG / LANES of them a workgroup, that work on one result each: what they exchange values of
// the kernel's type Part through.
var<workgroup> partial: array<Part, WG>;
