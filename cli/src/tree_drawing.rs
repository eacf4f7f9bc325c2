//! Trees with the class of each node, as text and as SVG.

use std::fmt::Write;

use girih::data::trees::{Over, Tree};

/// How the classes, from worst to best, are shown.
const SIGNS: [&str; 5] = ["−−", "−", "0", "+", "++"];
/// Diverging from red over grey to blue: told apart by the colour-blind too.
const COLOURS: [&str; 5] = ["#ca0020", "#f4a582", "#e0e0e0", "#92c5de", "#0571b0"];

/// A tree and the class scores of its nodes.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The tree.
    pub tree: Tree,
    /// Of each node, each class's.
    pub scores: Vec<Vec<f32>>,
}

impl Drawn {
    /// Of scores in the order of the tree's nodes.
    #[must_use]
    pub fn new(tree: Tree, scores: Vec<Vec<f32>>) -> Self {
        Self { tree, scores }
    }

    /// The class of a node: that with the highest score.
    #[must_use]
    pub fn class(&self, node: usize) -> usize {
        let scores = self.scores[node].iter().enumerate();
        scores.reduce(|best, next| if next.1 > best.1 { next } else { best }).map_or(0, |(class, _)| class)
    }

    /// The words under a node, from left to right.
    #[must_use]
    pub fn words(&self, node: usize) -> String {
        let (mut words, mut open) = (Vec::new(), vec![node]);
        while let Some(node) = open.pop() {
            match &self.tree.nodes()[node].over {
                Over::Word(word) => words.push(word.as_str()),
                Over::Children(children) => open.extend(children.iter().rev().map(|&child| child as usize)),
            }
        }
        words.join(" ")
    }

    fn sign(&self, node: usize) -> &'static str {
        SIGNS.get(self.class(node)).copied().unwrap_or("?")
    }

    fn percent(&self, node: usize) -> f32 {
        100.0 * self.scores[node].get(self.class(node)).copied().unwrap_or(0.0)
    }
}

/// The tree as lines, each node under its parent: sign, score, what the data says where that differs, words.
#[must_use]
pub fn text(drawn: &Drawn) -> String {
    let mut lines = Vec::new();
    // Without recursion: a tree may be deep.
    let mut open = vec![(drawn.tree.root(), String::new(), String::new())];
    while let Some((node, first, rest)) = open.pop() {
        let label = drawn.tree.nodes()[node].label.map(|label| label as usize);
        let differs = label.filter(|&label| label != drawn.class(node)).and_then(|label| SIGNS.get(label));
        let differs = differs.map(|sign| format!(", labelled {sign}")).unwrap_or_default();
        let (sign, percent, words) = (drawn.sign(node), drawn.percent(node), drawn.words(node));
        lines.push(format!("{first}{sign:<2} {percent:.0} %{differs}  {words}"));
        if let Over::Children(children) = &drawn.tree.nodes()[node].over {
            for (i, &child) in children.iter().enumerate().rev() {
                let (branch, below) = if i + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                open.push((child as usize, format!("{rest}{branch}"), format!("{rest}{below}")));
            }
        }
    }
    lines.join("\n")
}

const STEP: f32 = 34.0;
const RADIUS: f32 = 11.0;
const MARGIN: f32 = 24.0;
/// Of a letter, about.
const LETTER: f32 = 7.5;

/// Trees one under another, words in a line below each.
#[must_use]
pub fn svg(trees: &[Drawn]) -> String {
    let (mut body, mut top, mut width) = (String::new(), MARGIN, 0f32);
    for drawn in trees {
        let (part, size) = svg_tree(drawn, top);
        body.push_str(&part);
        top += size.1 + MARGIN;
        width = width.max(size.0);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{top:.0}\" \
         viewBox=\"0 0 {width:.0} {top:.0}\" font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}

/// One tree from `top` down, and its width and height.
fn svg_tree(drawn: &Drawn, top: f32) -> (String, (f32, f32)) {
    let nodes = drawn.tree.nodes();
    let heights = drawn.tree.heights();
    let highest = heights.last().copied().unwrap_or(0) as f32;
    let y = |node: usize| top + RADIUS + (highest - heights[node] as f32) * STEP;
    let mut x = vec![0f32; nodes.len()];
    let mut right = MARGIN;
    // Leaves first, from left to right; then parents in the middle of theirs.
    let mut open = vec![drawn.tree.root()];
    while let Some(node) = open.pop() {
        match &nodes[node].over {
            Over::Word(word) => {
                let room = (LETTER * word.chars().count() as f32).max(2.0 * RADIUS) + 8.0;
                x[node] = right + room / 2.0;
                right += room;
            }
            Over::Children(children) => open.extend(children.iter().rev().map(|&child| child as usize)),
        }
    }
    let mut body = String::new();
    for (node, over) in nodes.iter().map(|node| &node.over).enumerate() {
        if let Over::Children(children) = over {
            let sum: f32 = children.iter().map(|&child| x[child as usize]).sum();
            x[node] = sum / children.len() as f32;
            for &child in children {
                let child = child as usize;
                // Writing to a string cannot fail.
                let _ = writeln!(
                    body,
                    "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#888\"/>",
                    x[node],
                    y(node),
                    x[child],
                    y(child)
                );
            }
        }
    }
    for (node, over) in nodes.iter().map(|node| &node.over).enumerate() {
        let (class, sign, percent) = (drawn.class(node), drawn.sign(node), drawn.percent(node));
        let fill = COLOURS.get(class).copied().unwrap_or("white");
        let ink = if matches!(class, 0 | 4) { "white" } else { "black" };
        let (x, y, words) = (x[node], y(node), escaped(&drawn.words(node)));
        let _ = writeln!(
            body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" fill=\"{fill}\" stroke=\"#555\">\
             <title>{words}: {sign} {percent:.0} %</title></circle>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{ink}\" font-size=\"11\">{sign}</text>",
            y + 4.0
        );
        if let Over::Word(word) = over {
            let _ = writeln!(body, "<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>", y + RADIUS + 16.0, escaped(word));
        }
    }
    (body, (right + MARGIN, 2.0 * RADIUS + highest * STEP + 20.0))
}

fn escaped(text: &str) -> String {
    // XML has no control characters.
    let text = text.replace(char::is_control, "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use girih::data::trees::parse_trees;

    fn drawn() -> Drawn {
        let tree = parse_trees("(3 (2 a) (1 (2 so<) (1 b)))", std::path::Path::new("t"), 5).unwrap().remove(0);
        let scores = |class: usize| (0..5).map(|c| if c == class { 0.6 } else { 0.1 }).collect();
        Drawn::new(tree, [2, 2, 0, 1, 4].map(scores).to_vec())
    }

    #[test]
    fn lines_show_each_node_under_its_parent() {
        let lines = [
            "++ 60 %, labelled +  a so< b",
            "├─ 0  60 %  a",
            "└─ −  60 %  so< b",
            "   ├─ 0  60 %  so<",
            "   └─ −− 60 %, labelled −  b",
        ];
        assert_eq!(text(&drawn()), lines.join("\n"));
    }

    #[test]
    fn the_drawing_has_all_nodes_words_and_lines() {
        let svg = svg(&[drawn(), drawn()]);
        assert_eq!(svg.matches("<circle").count(), 10);
        assert_eq!(svg.matches("<line ").count(), 8);
        assert!(svg.contains(">so&lt;</text>") && svg.contains(COLOURS[4]) && svg.ends_with("</svg>\n"));
    }
}
