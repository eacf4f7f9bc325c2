//! Where wrong results lie, in characters.

use girih::bench::ErrorMap;

/// The map as lines: a dot where all results are right, a darker character the more are wrong.
pub fn picture(map: &ErrorMap) -> Vec<String> {
    let character = |&share: &f32| match share {
        0.0 => '·',
        share if share < 0.34 => '░',
        share if share < 0.67 => '▒',
        share if share < 1.0 => '▓',
        _ => '█',
    };
    map.cells.iter().map(|row| row.iter().map(character).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_wrong_the_darker() {
        let map = ErrorMap { cells: vec![vec![0.0, 0.01, 0.5], vec![0.9, 1.0, 0.0]] };
        assert_eq!(picture(&map), ["·░▒", "▓█·"]);
    }
}
