use super::fuzzing::{KIND, form, parts};
use super::*;
use axum::http::HeaderValue;
use proptest::prelude::*;

/// What forms are made of.
const WORDS: &[&str] = &[
    "--B",
    "\r\n",
    "--",
    "Content-Disposition: form-data; name=\"/a\"",
    "\r\n\r\n",
    "; filename=\"",
    "\u{ff}\0",
    " ",
];

fn read(body: &[u8], piece: usize) -> (Vec<(String, Vec<u8>)>, bool) {
    runtime().block_on(form(body, piece))
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime")
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()];
    proptest::collection::vec(byte, 0..40)
}

fn written(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    body
}

proptest! {
    #[test]
    fn a_form_is_read_however_it_is_cut(
        parts in proptest::collection::vec(("/[a-z/]{0,8}", content()), 0..5),
        piece in 1usize..80,
    ) {
        // A content that ends itself is another form.
        let ends = |content: &[u8]| content.windows(5).any(|bytes| bytes == b"\r\n--B");
        prop_assume!(!parts.iter().any(|(_, content)| ends(content)));
        let got = read(&written(&parts), piece);
        prop_assert_eq!(got, (parts, true));
    }

    #[test]
    fn any_bytes_are_read_or_refused_alike_however_they_are_cut(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
        piece in 1usize..40,
    ) {
        let body = words.concat().into_bytes();
        let whole = read(&body, body.len());
        prop_assert_eq!(read(&body, piece), whole);
    }

    #[test]
    fn a_form_that_breaks_off_is_refused(
        content in content(),
        cut in 1usize..80,
        piece in 1usize..40,
    ) {
        let mut body = written(&[("/a".into(), content)]);
        // Its very last line's end need not come.
        body.truncate(body.len().saturating_sub(2 + cut));
        prop_assert!(!read(&body, piece).1);
    }
}

#[test]
fn little_is_held_of_what_never_begins() {
    let heads: [&[u8]; 3] = [
        b"",
        b"--B\r\nContent-Disposition: ",
        b"--B\r\nContent-Disposition: form-data; name=\"/a\"\r\n\r\nx\r\n--B\r\n",
    ];
    for head in heads {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let endless = stream::repeat_with(move || {
            counter.fetch_add(8192, Ordering::Relaxed);
            Ok(Bytes::from_static(&[b'x'; 8192]))
        });
        let head = Ok(Bytes::from_static(head));
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(KIND))]);
        let form = Form::new(&headers, stream::iter([head]).chain(endless));
        assert!(!runtime().block_on(parts(form.expect("a boundary"))).1);
        assert!(taken.load(Ordering::Relaxed) <= 2 * MOST);
    }
}

#[test]
fn a_part_may_be_long() {
    let content = vec![b'x'; 4 * MOST];
    let long = [("/a".to_owned(), content)];
    assert_eq!(read(&written(&long), 8192), (long.to_vec(), true));
}
