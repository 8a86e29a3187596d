//! Properties of the word splitter.

use podlane_service::words;
use proptest::prelude::*;

/// A word as one writes it for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

proptest! {
    #[test]
    fn any_text_is_split_or_refused(line in any::<String>()) {
        if let Ok(words) = words(&line) {
            prop_assert!(!words.is_empty());
            let all: usize = words.iter().map(String::len).sum();
            prop_assert!(all <= line.len(), "nothing is added");
        }
    }

    #[test]
    fn quoted_words_come_back(wanted in prop::collection::vec(any::<String>(), 1..8), gaps in "[ \t\n]{1,3}") {
        let line: Vec<String> = wanted.iter().map(|word| quoted(word)).collect();
        prop_assert_eq!(words(&line.join(&gaps)).expect("words"), wanted);
    }

    #[test]
    fn plain_words_come_back(wanted in prop::collection::vec("[a-zA-Z0-9_./:=,+@%-]{1,12}", 1..8)) {
        prop_assert_eq!(words(&wanted.join(" ")).expect("words"), wanted);
    }

    #[test]
    fn shell_code_is_only_words(wanted in "[$`;|&<>(){}*?!~]{1,12}") {
        // A splitter that ran or expanded anything would change them.
        let line = format!("echo {}", quoted(&wanted));
        prop_assert_eq!(words(&line).expect("words"), ["echo", &wanted]);
    }
}
