        // The places of a turn's elements, at and at0 on, from `image` and `place` of the first, which go on to the next turn's.
        let at = (image * p.channels + channel) * p.size + place;
        image += p.images_on;
        place += p.places_on;
        if (place >= p.size) {
            image += 1u;
            place -= p.size;
        }
#repeat m MORE
        // What is past the end is loaded as the turn's first, and counts for nothing.
        let inside$m = i + ($mu + 1u) * LANES < end;
        let at$m = select(at, (image * p.channels + channel) * p.size + place, inside$m);
        image += p.images_on;
        place += p.places_on;
        if (place >= p.size) {
            image += 1u;
            place -= p.size;
        }
#end
