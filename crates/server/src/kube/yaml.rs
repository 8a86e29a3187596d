//! YAML, read within bounds: documents as plain values, from which nothing can be asked for twice or be made to grow.

use crate::refusal::Refusal;
use serde_json::Value;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Error, Options};

/// The most documents in one body.
const DOCUMENTS: usize = 64;
/// How deep they may be.
const DEPTH: usize = 32;
/// How many values they may have.
const VALUES: usize = 20_000;

/// The documents of a body, but for empty ones.
pub(crate) fn documents(text: &[u8]) -> Result<Vec<Value>, Refusal> {
    let text = std::str::from_utf8(text).map_err(|_| wrong("the body is not UTF-8".into()))?;
    let options = options();
    let all: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| broken(&error))?;
    Ok(all.into_iter().filter(|value| !value.is_null()).collect())
}

/// The same document for every reader: no anchors, no merges, no key twice, and `yes` is a word.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_depth: DEPTH,
            max_documents: DOCUMENTS,
            max_nodes: VALUES,
            max_events: 4 * VALUES,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    }
}

fn wrong(message: String) -> Refusal {
    Refusal::field("body", message)
}

/// Without what stands there, which may be a secret.
fn broken(error: &Error) -> Refusal {
    let error = error.without_snippet();
    let what = match error {
        Error::DuplicateMappingKey { .. } => "a key stands there twice".to_owned(),
        Error::MergeKeyNotAllowed { .. } => "merge keys (`<<`) are not taken".to_owned(),
        Error::Budget { .. } => format!(
            "it has more than is taken: anchors (none), {DOCUMENTS} documents, {VALUES} values, {DEPTH} levels"
        ),
        _ => "it is not valid YAML".to_owned(),
    };
    let place = error.location();
    let place = place.map_or_else(String::new, |place| {
        format!(" at line {} column {}", place.line(), place.column())
    });
    wrong(format!("the body can't be read{place}: {what}"))
}

/// One document as text.
pub(crate) fn text(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Vec<Value>, Refusal> {
        documents(text.as_bytes())
    }

    #[test]
    fn documents_of_yaml_and_json() {
        let two = "---\na: 1\nb: [x, 'y']\n---\n# nothing\n---\n{\"c\": {\"d\": null}}\n";
        let expected = [json!({"a": 1, "b": ["x", "y"]}), json!({"c": {"d": null}})];
        assert_eq!(read(two).expect("fine"), expected);
        let words = read("a: yes\nb: 'true'\nc: true\nd: \"1\"\n").expect("fine");
        assert_eq!(
            words,
            [json!({"a": "yes", "b": "true", "c": true, "d": "1"})]
        );
        assert_eq!(read("").expect("fine"), Vec::<Value>::new());
    }

    #[test]
    fn what_grows_or_can_be_read_in_two_ways_is_refused() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        let wide = format!("[{}]", "1,".repeat(30_000));
        let many = "---\na: 1\n".repeat(100);
        for (text, word) in [
            ("a: &x [1]\nb: *x\n", "anchors"),
            ("a: &x 1\n", "anchors"),
            ("a: *x\n", ""),
            ("<<: {a: 1}\n", "merge"),
            ("a: 1\na: 2\n", "twice"),
            ("a: {b: 1, b: 2}\n", "twice"),
            ("a: 1\n\"\\x61\": 2\n", "twice"),
            (&deep, ""),
            (&wide, "values"),
            (&many, "documents"),
            ("a: [1\n", "not valid"),
            ("a: !!python/object:os.system x\nb: [", ""),
            ("secret: [x", ""),
        ] {
            let refusal = read(text).expect_err(word);
            assert_eq!(refusal.what(), Some("body"));
            let told = refusal.to_string();
            assert!(told.contains(word) && !told.contains("secret"), "{told}");
        }
        assert!(documents(b"a: \xff\n").is_err());
    }

    #[test]
    fn text_is_read_back() {
        let value = json!({"a": "yes", "b": "1", "c": ["x: y", "", "0755", "null", "é\n"], "d": true, "e": "1e3"});
        assert_eq!(read(&text(&value)).expect("fine"), [value]);
    }
}
