//! The Penn Treebank's s-expressions: `(3 (2 It) (3 (2 's) (3 good)))`.

use super::{DataError, Node, Over, Tree};
use std::fs;
use std::path::Path;

/// Reads a file of trees: each is `(label word)` or `(label tree tree …)`, labels being numbers below `class_count` or
/// `?`. Line breaks mean nothing, so a tree may go over several lines, or several stand in one. A space that
/// is not ASCII's is part of a word, such as the treebank's `8 1\/2`. `\/` and `\*` are the
/// treebank's way to write `/` and `*`.
///
/// # Errors
/// [`DataError::Syntax`] with line and column, [`DataError::Set`] when there is no tree, or the file does not read.
pub fn read_trees(path: &Path, class_count: u32) -> Result<Vec<Tree>, DataError> {
    let bytes = fs::read(path).map_err(DataError::io("read", path))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]).into_owned();
        let (line, column) = good.chars().fold((1, 1), after);
        syntax(path, (line, column), "this is no UTF-8".to_owned())
    })?;
    // Without the mark that some editors begin a file with.
    let trees = parse_trees(text.strip_prefix('\u{feff}').unwrap_or(&text), path, class_count)?;
    if trees.is_empty() {
        return Err(DataError::Set { name: path.display().to_string(), problem: "it holds no tree".to_owned() });
    }
    Ok(trees)
}

/// Line and column, from 1.
type Place = (usize, usize);

fn after((line, column): Place, c: char) -> Place {
    if c == '\n' { (line + 1, 1) } else { (line, column + 1) }
}

fn syntax(path: &Path, (line, column): Place, problem: String) -> DataError {
    DataError::Syntax { path: path.to_owned(), line, column, problem }
}

/// Parses trees as [`read_trees`] does; `path` is what errors name.
///
/// # Errors
/// [`DataError::Syntax`].
pub fn parse_trees(text: &str, path: &Path, class_count: u32) -> Result<Vec<Tree>, DataError> {
    let mut reader = Reader { class_count, trees: Vec::new(), open: Vec::new(), nodes: Vec::new() };
    let (mut place, mut word, mut start) = ((1, 1), String::new(), (1, 1));
    for c in text.chars().chain([' ']) {
        let is_token = !matches!(c, '(' | ')') && !c.is_ascii_whitespace();
        if !is_token && !word.is_empty() {
            reader.word(&word).map_err(|problem| syntax(path, start, problem))?;
            word.clear();
        }
        match c {
            '(' => reader.open(place).map_err(|problem| syntax(path, place, problem))?,
            ')' => reader.close().map_err(|(at, problem)| syntax(path, at.unwrap_or(place), problem))?,
            _ if is_token => {
                if word.is_empty() {
                    start = place;
                }
                word.push(c);
            }
            _ => {}
        }
        place = after(place, c);
    }
    match reader.open.last() {
        Some(open) => Err(syntax(path, open.place, "this `(` is never closed".to_owned())),
        None => Ok(reader.trees),
    }
}

/// A node whose `)` has not come.
struct Open {
    place: Place,
    label: Option<Option<u32>>,
    over: Option<Over>,
}

/// Parsing without recursion: a tree may be as deep as it likes.
struct Reader {
    class_count: u32,
    trees: Vec<Tree>,
    open: Vec<Open>,
    nodes: Vec<Node>,
}

impl Reader {
    fn open(&mut self, place: Place) -> Result<(), String> {
        match self.open.last() {
            Some(Open { label: None, .. }) => return Err("a label was expected, not a node".to_owned()),
            Some(Open { over: Some(Over::Word(word)), .. }) => {
                return Err(format!("a node over the word `{word}` cannot have children too"));
            }
            _ => {}
        }
        self.open.push(Open { place, label: None, over: None });
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        let Some(node) = self.open.last_mut() else {
            return Err(format!("a tree begins with `(`, not with `{word}`"));
        };
        if node.label.is_none() {
            node.label = Some(label(word, self.class_count)?);
            return Ok(());
        }
        match &node.over {
            None => {
                node.over = Some(Over::Word(word.replace("\\/", "/").replace("\\*", "*")));
                Ok(())
            }
            Some(Over::Word(first)) => Err(format!("a second word, `{word}`, in the node over `{first}`")),
            Some(Over::Children(_)) => Err(format!("a word, `{word}`, in a node that has children")),
        }
    }

    fn close(&mut self) -> Result<(), (Option<Place>, String)> {
        let Some(node) = self.open.pop() else { return Err((None, "this `)` closes nothing".to_owned())) };
        let (Some(label), Some(over)) = (node.label, node.over) else {
            return Err((
                Some(node.place),
                "this node is empty: a label and a word or children were expected".to_owned(),
            ));
        };
        let number = self.nodes.len() as u32;
        self.nodes.push(Node { label, over });
        match self.open.last_mut() {
            Some(parent) => match &mut parent.over {
                Some(Over::Children(children)) => children.push(number),
                over => *over = Some(Over::Children(vec![number])),
            },
            None => self.trees.push(Tree { nodes: std::mem::take(&mut self.nodes) }),
        }
        Ok(())
    }
}

fn label(text: &str, class_count: u32) -> Result<Option<u32>, String> {
    let last = class_count.saturating_sub(1);
    match text.parse::<u32>() {
        _ if text == "?" => Ok(None),
        Ok(label) if label < class_count => Ok(Some(label)),
        Ok(label) => Err(format!("label {label}, expected 0 to {last}")),
        Err(_) => Err(format!("label `{text}`, expected a number from 0 to {last}, or `?`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Tree>, String> {
        parse_trees(text, Path::new("t.txt"), 5).map_err(|e| e.to_string())
    }

    #[test]
    fn trees_are_read_whatever_the_lines() {
        let trees = parse("(3 (2 It)\n (4 (2 's)\n\t(4 good)))(0 and\\/or) (? (1 a))\n").unwrap();
        assert_eq!(trees.len(), 3);
        let labels = |tree: &Tree| tree.nodes().iter().map(|node| node.label).collect::<Vec<_>>();
        assert_eq!(labels(&trees[0]), [2, 2, 4, 4, 3].map(Some));
        assert_eq!(trees[0].nodes()[4].over, Over::Children(vec![0, 3]));
        assert_eq!(trees[0].heights(), [0, 0, 0, 1, 2]);
        assert_eq!(trees[1].words().collect::<Vec<_>>(), ["and/or"]);
        assert_eq!((labels(&trees[2]), trees[2].arity()), (vec![Some(1), None], 1));
        assert_eq!(parse("(2 8\u{a0}1\\/2)").unwrap()[0].words().collect::<Vec<_>>(), ["8\u{a0}1/2"]);
        assert_eq!(parse(" \n ").unwrap(), []);
    }

    #[test]
    fn depth_is_not_bounded_by_the_stack() {
        let depth = 100_000;
        let text = format!("{}(1 w){}", "(1 ".repeat(depth), ")".repeat(depth));
        assert_eq!(parse(&text).unwrap()[0].heights()[depth], depth as u32);
    }

    #[test]
    fn faults_have_a_line_and_a_column() {
        for (text, words) in [
            ("(3 (2 a) (2 b)", "line 1, column 1: this `(` is never closed"),
            ("(3 (2 a)\n  (2 (1 é) ", "line 2, column 3: this `(` is never closed"),
            ("(3 (2 a) (2 b)))", "line 1, column 16: this `)` closes nothing"),
            ("\n()", "line 2, column 1: this node is empty"),
            ("(3 (2 é) (2))", "line 1, column 10: this node is empty"),
            ("(3 (2 a) (5 b))", "line 1, column 11: label 5, expected 0 to 4"),
            ("(3 (2 a) (-1 b))", "line 1, column 11: label `-1`, expected a number"),
            ("(S (2 a))", "line 1, column 2: label `S`, expected a number from 0 to 4"),
            ("(99999999999 a)", "line 1, column 2: label `99999999999`, expected a number"),
            ("((2 a))", "line 1, column 2: a label was expected"),
            ("(2 a b)", "line 1, column 6: a second word, `b`, in the node over `a`"),
            ("(2 a (2 b))", "line 1, column 6: a node over the word `a` cannot have children too"),
            ("(2 (2 b)\na)", "line 2, column 1: a word, `a`, in a node that has children"),
            ("good", "line 1, column 1: a tree begins with `(`, not with `good`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("t.txt, {words}")), "{text}: {error}");
        }
    }

    #[test]
    fn files_that_hold_nothing_or_no_text_say_so() {
        let scratch = crate::data::scratch::Scratch::new("read-trees");
        let empty = scratch.write("empty.txt", b"\n");
        assert!(read_trees(&empty, 5).unwrap_err().to_string().contains("it holds no tree"));
        let bytes = scratch.write("bytes.txt", b"(3 a)\n(2 \xff)");
        assert!(read_trees(&bytes, 5).unwrap_err().to_string().ends_with("line 2, column 4: this is no UTF-8"));
    }
}
