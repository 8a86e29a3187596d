//! The command and the entrypoint of a new container: words, or a line that is split like a POSIX shell would.

use super::super::fields;
use crate::refusal::Refusal;
use podlane_api::Command;

/// The argument vector; empty for the image's own command.
pub(super) fn words(field: &'static str, wire: Option<Command>) -> Result<Vec<String>, Refusal> {
    let words = match wire {
        None => return Ok(Vec::new()),
        Some(Command::Words(words)) => words,
        Some(Command::Line(line)) => shell_words::split(&line).map_err(|_| Refusal::Field {
            field: field.into(),
            message: format!("the {field} has a quote without its other end"),
            hint: Some(format!(
                "close the quote, or send the {field} as an array of words"
            )),
        })?,
    };
    if words.is_empty() {
        return Err(Refusal::Field {
            field: field.into(),
            message: format!("the {field} is empty"),
            hint: Some(format!("leave it out to run the image's own {field}")),
        });
    }
    fields::argv(field, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Vec<String>, Refusal> {
        words("command", Some(Command::Line(text.into())))
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
        assert_eq!(
            words("command", Some(Command::Words(array.clone()))),
            Ok(array)
        );
        assert_eq!(words("command", None), Ok(Vec::new()));
    }

    #[test]
    fn what_starts_nothing_is_refused() {
        for bad in ["", "   ", "sh -c 'x", "\"", "''", "a\0b"] {
            let refusal = line(bad).expect_err(bad);
            assert_eq!(refusal.what(), Some("command"), "{bad:?}");
        }
        assert!(words("command", Some(Command::Words(Vec::new()))).is_err());
    }
}
