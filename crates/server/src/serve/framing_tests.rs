use super::*;

const CLEAN: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na\nb\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\na\nb\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
];

const AMBIGUOUS: &[&str] = &[
    "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 4, 4\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: +4\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: \r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length : 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\nHost: x\n\n",
    "GET / HTTP/1.1\r\nHost: x\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\n",
    "GET / HTTP/1.1\r\nA: b\rContent-Length: 3\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
];

fn scan(text: &str, piece: usize) -> Scan {
    let mut scanner = Scanner::new(4096);
    text.as_bytes().chunks(piece).try_for_each(|mut bytes| {
        while !bytes.is_empty() {
            scanner.step(&mut bytes)?;
        }
        Ok(())
    })
}

#[test]
fn clean_requests_pass_however_they_are_cut() {
    let all = CLEAN.concat();
    for piece in 1..all.len() {
        assert_eq!(scan(&all, piece), Ok(()), "in pieces of {piece}");
    }
}

#[test]
fn ambiguous_ones_are_seen_also_behind_clean_ones() {
    for bad in AMBIGUOUS {
        for piece in [1, 7, 1000] {
            assert!(scan(bad, piece).is_err(), "{bad:?}");
            for clean in CLEAN {
                assert!(
                    scan(&format!("{clean}{bad}"), piece).is_err(),
                    "{clean:?}{bad:?}"
                );
            }
        }
    }
}

#[test]
fn content_is_no_head() {
    let inner = AMBIGUOUS[0];
    let length = inner.len();
    let outer = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{inner}");
    assert_eq!(scan(&outer, 5), Ok(()));
    let outer = format!(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"
    );
    assert_eq!(scan(&outer, 5), Ok(()));
}

#[test]
fn memory_is_bounded() {
    assert!(scan(&"a".repeat(5000), 100).is_err());
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(5000));
    assert!(scan(&long, 100).is_err());
}
