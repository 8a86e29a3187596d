//! The command of a new container: words, or a line that is split like a POSIX shell would.

use super::super::fields;
use crate::refusal::Refusal;
use podlane_api::Command;

/// The argument vector; empty for the image's own command.
pub(super) fn words(wire: Option<Command>) -> Result<Vec<String>, Refusal> {
    let words = match wire {
        None => return Ok(Vec::new()),
        Some(Command::Words(words)) => words,
        Some(Command::Line(line)) => shell_words::split(&line).map_err(|_| Refusal::Field {
            field: "command".into(),
            message: "the command has a quote without its other end".into(),
            hint: Some("close the quote, or send the command as an array of words".into()),
        })?,
    };
    if words.is_empty() {
        return Err(Refusal::Field {
            field: "command".into(),
            message: "the command is empty".into(),
            hint: Some("leave it out to run the image's own command".into()),
        });
    }
    fields::argv(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Vec<String>, Refusal> {
        words(Some(Command::Line(text.into())))
    }

    #[test]
    fn a_line_is_split_and_words_are_not() {
        assert_eq!(line("sleep 300"), Ok(vec!["sleep".into(), "300".into()]));
        assert_eq!(
            line(r#"sh -c 'echo "$A"; exit' "a b" c\ d"#),
            Ok(["sh", "-c", "echo \"$A\"; exit", "a b", "c d"]
                .map(String::from)
                .into())
        );
        let array = vec!["echo".to_owned(), "a 'b".to_owned(), String::new()];
        assert_eq!(words(Some(Command::Words(array.clone()))), Ok(array));
        assert_eq!(words(None), Ok(Vec::new()));
    }

    #[test]
    fn what_starts_nothing_is_refused() {
        for bad in ["", "   ", "sh -c 'x", "\"", "''", "a\0b"] {
            let refusal = line(bad).expect_err(bad);
            assert_eq!(refusal.what(), Some("command"), "{bad:?}");
        }
        assert!(words(Some(Command::Words(Vec::new()))).is_err());
    }
}
