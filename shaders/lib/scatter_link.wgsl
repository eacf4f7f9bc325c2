// A link: the next b of a chunk that names the same row, or LAST; LATER is set beside it where an earlier one names it too.
const LATER = 0x80000000u;
const LAST = 0x7fffffffu;
