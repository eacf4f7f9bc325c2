// Lines of a kernel, not declarations: to c{w}{e}, four columns of row 4 w + e of 32, are added the sums over `turns` of each of
// four planes of a[row] * b[column], a0..a3 from word i on and b0..b3 from word j on; a turn is 8 words of each. What bounds it
// tells the header of matmul_wide.
    for (var turn = 0u; turn < turns; turn++) {
#repeat q 4
        let x$q = a$q[i];
        let y$q = b$q[j];
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
        i += 8u;
        j += 8u;
    }
