//! Reads one setting after the other from the layers, and keeps what was wrong and what came out.

use super::error::{Error, Problem};
use super::layer::{Given, Layer, Raw};
use super::{Origin, value};
use std::fmt::Display;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: &'static str,
    /// Its value, as TOML.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// Reads settings from layers, the weakest first.
pub(super) struct Reader {
    layers: Vec<Layer>,
    rows: Vec<Row>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(layers: Vec<Layer>) -> Self {
        Self {
            layers,
            rows: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> bool {
        self.take(key, value::boolean, bool::to_string)
    }

    pub(super) fn integer(&mut self, key: &'static str, bounds: RangeInclusive<usize>) -> usize {
        self.take(key, |raw| value::integer(raw, &bounds), usize::to_string)
    }

    pub(super) fn positive(&mut self, key: &'static str, most: usize) -> NonZeroUsize {
        NonZeroUsize::new(self.integer(key, 1..=most)).unwrap_or(NonZeroUsize::MIN)
    }

    pub(super) fn seconds(&mut self, key: &'static str, bounds: RangeInclusive<f64>) -> Duration {
        let show = |time: &Duration| time.as_secs_f64().to_string();
        self.take(key, |raw| value::seconds(raw, &bounds), show)
    }

    pub(super) fn word<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> T {
        let show = |value: &T| {
            let name = words.iter().find(|(_, word)| word == value);
            format!("{:?}", name.map_or("", |(name, _)| name))
        };
        self.take(key, |raw| value::word(raw, words), show)
    }

    pub(super) fn list<T: Display>(
        &mut self,
        key: &'static str,
        item: impl Fn(&str) -> Result<T, String>,
        example: &str,
    ) -> Vec<T> {
        let show = |list: &Vec<T>| {
            let texts: Vec<String> = list.iter().map(T::to_string).collect();
            format!("{texts:?}")
        };
        self.take(key, |raw| value::list(raw, &item, example), show)
    }

    /// A text with rules of its own, shown as it was written.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Raw) -> Result<T, String>,
    ) -> T {
        let shown = self.given(key).raw.to_string();
        self.take(key, parse, |_| shown.clone())
    }

    /// Where a setting was set.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.given(key).origin.clone()
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The rows, or everything that was wrong.
    pub(super) fn finish(self) -> Result<Vec<Row>, Error> {
        Error::unless_empty(self.problems).map(|()| self.rows)
    }

    /// The strongest value. After a bad one reading goes on with the default, to find the others.
    fn take<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Raw) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> T {
        let given = self.given(key).clone();
        match parse(&given.raw) {
            Ok(parsed) => {
                self.rows.push(Row {
                    key,
                    value: show(&parsed),
                    origin: given.origin,
                });
                parsed
            }
            Err(right) => {
                self.problems.push(Problem::Value {
                    key,
                    shown: given.raw.to_string(),
                    origin: given.origin,
                    right,
                });
                let default = parse(&self.default(key).raw);
                default.expect("the compiled-in defaults are valid, which a test checks")
            }
        }
    }

    fn given(&self, key: &str) -> &Given {
        let strongest = self.layers.iter().rev().find_map(|layer| layer.get(key));
        strongest.unwrap_or_else(|| self.default(key))
    }

    fn default(&self, key: &str) -> &Given {
        let default = self.layers.first().and_then(|layer| layer.get(key));
        default.expect("every setting has a compiled-in default, which a test checks")
    }
}
