    // Lanes past the end work on the last pixels, because the others need the weights they load.
    let index = min(group.x * 8u + lane, p.count - 1u);
    let live = group.x * 8u + lane < p.count;
    let quad = index % p.ow4;
    let bands = (p.rows - 2u) / 4u;
    let line = index / p.ow4 % bands * 4u;
    let image = index / p.ow4 / bands;
    // Sum s{r}{h}{e} is that of row r and channel 4 h + e.
#repeat r 4
#repeat h 2
#repeat e 4
    var s$r$h$e = vec4<f32>();
#end
#end
#end
    var place: u32;
    var w: u32;
#repeat i PLANES
    place = (image * p.c_each * p.rows + line) * p.columns + quad;
    w = group.y * p.o_stride + lane;
    for (var channel = 0u; channel < p.c_each; channel++) {
        var at = place;
#repeat r 6
        let row$r = row(x$i[at], x$i[at + 1u]);
        at += p.columns;
#end
        let word0 = w$i[w];
        let word1 = w$i[w + 8u];
        let word2 = w$i[w + 16u];
#repeat h 2
        let t$h0 = subgroupBroadcast(word0, $hu);
        let t$h1 = subgroupBroadcast(word0, 2u + $hu);
        let t$h2 = subgroupBroadcast(word0, 4u + $hu);
        let t$h3 = subgroupBroadcast(word0, 6u + $hu);
        let t$h4 = subgroupBroadcast(word1, $hu);
        let t$h5 = subgroupBroadcast(word1, 2u + $hu);
        let t$h6 = subgroupBroadcast(word1, 4u + $hu);
        let t$h7 = subgroupBroadcast(word1, 6u + $hu);
        let t$h8 = subgroupBroadcast(word2, $hu);
#repeat e 4
        let taps$h$e = Taps(
            vec3(t$h0[$e], t$h1[$e], t$h2[$e]),
            vec3(t$h3[$e], t$h4[$e], t$h5[$e]),
            vec3(t$h6[$e], t$h7[$e], t$h8[$e]),
        );
        s0$h$e = nine(row0, row1, row2, taps$h$e, s0$h$e);
        s1$h$e = nine(row1, row2, row3, taps$h$e, s1$h$e);
        s2$h$e = nine(row2, row3, row4, taps$h$e, s2$h$e);
        s3$h$e = nine(row3, row4, row5, taps$h$e, s3$h$e);
#end
#end
        place += p.rows * p.columns;
        w += 18u;
    }
#end
    let row = p.first_row + line;
    let first_o = p.first_o + group.y * 8u;
