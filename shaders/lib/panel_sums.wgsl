// Lines of a kernel, not declarations, within a #repeat of g: to c{w}{e}, four columns of row 4 w + e of 32, are added the sums
// over `turns` of each of four planes of a[row] * b[column], a{g}0..a{g}3 from word a_first on and b{g}0..b{g}3 from word
// b_first, a turn a_k and b_k words further on. What bounds it tells the header of matmul_wide. Eight planes in one turn
// would not fit the core's cache of instructions.
    {
        var i = a_first;
        var j = b_first;
        for (var turn = 0u; turn < turns; turn++) {
#repeat q 4
            let x$q = a$g$q[i];
            let y$q = b$g$q[j];
#end
#repeat w 8
#repeat q 4
            let r$q$w = subgroupBroadcast(x$q, $wu);
#end
#repeat e 4
#repeat q 4
            c$w$e = fma(vec4(r$q$w[$e]), y$q, c$w$e);
#end
#end
#end
            i += a_k;
            j += b_k;
        }
    }
