//! What a script is made of, once it is parsed.

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Taken as it stands.
    Text(String),
    /// A variable, with the word to use when it is empty.
    Variable {
        name: String,
        otherwise: Option<String>,
        quoted: bool,
    },
    /// `$(...)` or backquotes.
    Output { list: List, quoted: bool },
}

/// A word before its expansion.
pub(super) type Word = Vec<Part>;

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Write(Word),
    Append(Word),
    Read(Word),
    /// The same as another descriptor.
    Same(Word),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) descriptor: u8,
    pub(super) target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Simple(Vec<Word>, Vec<Redirect>),
    If(Vec<(List, List)>, List),
    While(bool, List, List),
    For(String, Vec<Word>, List),
    Group(List, Vec<Redirect>),
}

/// Commands joined by `|`, perhaps with `!` before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

/// Pipelines joined by `&&` (true) and `||` (false).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(bool, Pipeline)>,
    pub(super) background: bool,
}

/// Items joined by `;`, `&` and newlines.
pub(super) type List = Vec<Item>;
