// The last half of packing an input tile: its elements d00 to d55, transformed, go to its place in the points.
#repeat x 6
    let c$x = of_input(Six(d0$x, d1$x, d2$x, d3$x, d4$x, d5$x));
#end
#repeat y 6
    let r$y = of_input(Six(c0.s$y, c1.s$y, c2.s$y, c3.s$y, c4.s$y, c5.s$y));
#repeat x 6
    points[(6u * $yu + $xu) * p.point + to] = r$y.s$x;
#end
#end
