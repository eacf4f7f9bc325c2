//! Whole-number expressions over named sizes, as kernel headers have them: `ceil(m / 64)`, `k % 16 == 0`.

use std::collections::BTreeSet;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Number(u64),
    Name(String),
    /// An operator and its operands.
    Of(&'static str, Box<[Expression; 2]>),
    /// The quotient, rounded up.
    Ceil(Box<[Expression; 2]>),
}

/// By precedence, loosest first; those of one level from left to right.
const LEVELS: [&[&str]; 3] = [&["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

impl Expression {
    /// The expressions of a list with commas between.
    pub fn list(text: &str) -> Result<Vec<Self>, String> {
        let mut parser = Parser { rest: text.trim() };
        let mut list = vec![parser.level(0)?];
        while parser.takes(",") {
            list.push(parser.level(0)?);
        }
        match parser.rest {
            "" => Ok(list),
            rest => Err(format!("`{rest}` is not understood")),
        }
    }

    /// The names in it.
    pub fn names(&self, into: &mut BTreeSet<String>) {
        match self {
            Self::Number(_) => {}
            Self::Name(name) => {
                into.insert(name.clone());
            }
            Self::Of(_, operands) | Self::Ceil(operands) => operands.iter().for_each(|operand| operand.names(into)),
        }
    }

    /// Its value; a comparison is 1 where it holds, else 0.
    pub fn value(&self, size: &impl Fn(&str) -> Option<u64>) -> Result<u64, String> {
        let values = |operands: &[Self; 2]| Ok::<_, String>((operands[0].value(size)?, operands[1].value(size)?));
        match self {
            Self::Number(number) => Ok(*number),
            Self::Name(name) => size(name).ok_or_else(|| format!("no size is called {name}")),
            Self::Ceil(operands) => {
                let (a, b) = values(operands)?;
                if b == 0 { Err(format!("{a} / 0")) } else { Ok(a.div_ceil(b)) }
            }
            Self::Of(operator, operands) => {
                let (a, b) = values(operands)?;
                let value = match *operator {
                    "==" => Some(u64::from(a == b)),
                    "!=" => Some(u64::from(a != b)),
                    "<=" => Some(u64::from(a <= b)),
                    ">=" => Some(u64::from(a >= b)),
                    "<" => Some(u64::from(a < b)),
                    ">" => Some(u64::from(a > b)),
                    "+" => a.checked_add(b),
                    "-" => a.checked_sub(b),
                    "*" => a.checked_mul(b),
                    "/" => a.checked_div(b),
                    _ => a.checked_rem(b),
                };
                value.ok_or_else(|| format!("{a} {operator} {b} is no whole number"))
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn level(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.atom() };
        let mut left = self.level(level + 1)?;
        let mut count = 0;
        while let Some(operator) = operators.iter().find(|operator| self.takes(operator)) {
            left = Expression::Of(operator, Box::new([left, self.level(level + 1)?]));
            count += 1;
            if level == 0 && count > 1 {
                return Err("a comparison has two sides: `1 < k, k < 8` are two conditions".to_owned());
            }
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Expression, String> {
        if self.takes("(") {
            let inner = self.level(0)?;
            return if self.takes(")") { Ok(inner) } else { Err("a `)` is missing".to_owned()) };
        }
        let word = self.word();
        match word.chars().next() {
            Some(first) if first.is_ascii_digit() => {
                word.parse().map(Expression::Number).map_err(|_| format!("`{word}` is no whole number"))
            }
            Some(_) if word == "ceil" => match self.atom()? {
                Expression::Of("/", operands) => Ok(Expression::Ceil(operands)),
                _ => Err("`ceil` takes a quotient, such as `ceil(m / 64)`".to_owned()),
            },
            Some(_) => Ok(Expression::Name(word.to_ascii_lowercase())),
            None if self.rest.is_empty() => Err("a number or a size is missing at the end".to_owned()),
            None => Err(format!("a number or a size is missing before `{}`", self.rest)),
        }
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<u64, String> {
        let size = |name: &str| [("m", 100), ("k", 48)].into_iter().find(|(n, _)| *n == name).map(|(_, v)| v);
        Expression::list(text)?.iter().try_fold(0, |_, expression| expression.value(&size))
    }

    #[test]
    fn arithmetic_is_that_of_whole_numbers() {
        for (text, expected) in [
            ("ceil(M/64)", 2),
            ("ceil((m + 1) / 101) * 3", 3),
            ("m - 2 * k / 5 % 10", 91),
            ("m - k - 2", 50),
            ("k % 16 == 0", 1),
            ("m % 64 == 0", 0),
            ("m >= 100", 1),
            ("m < 1 + 99", 0),
            ("1, 2, m != k", 1),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_says_where() {
        for (text, words) in [
            ("", "missing at the end"),
            ("m +", "missing at the end"),
            ("m + * 2", "before `* 2`"),
            ("(m", "`)` is missing"),
            ("m 2", "`2` is not understood"),
            ("ceil(m)", "takes a quotient"),
            ("2x", "`2x` is no whole number"),
            ("q", "no size is called q"),
            ("k - m", "48 - 100"),
            ("m / (k - 48)", "100 / 0"),
            ("ceil(m / 0)", "100 / 0"),
            ("1 < k < 8", "two sides"),
        ] {
            let error = value(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
