// The last half of packing a tile of four by four taps: its rows d0 to d3, transformed, go to their place in the points.
#repeat x 4
    let c$x = of_four(vec4(d0[$x], d1[$x], d2[$x], d3[$x]));
#end
#repeat y 6
    let r$y = of_four(vec4(c0.s$y, c1.s$y, c2.s$y, c3.s$y));
#repeat x 6
    points[(6u * $yu + $xu) * p.point + to] = r$y.s$x;
#end
#end
