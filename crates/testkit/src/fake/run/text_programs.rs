//! The programs of the interpreter that write text: `echo`, `printf`, `seq`, `yes`.

use super::{Process, programs};
use bytes::Bytes;

pub(super) async fn echo(process: &Process, words: &[String]) -> i32 {
    let mut words = words;
    let (mut newline, mut escapes) = (true, false);
    while let [first, rest @ ..] = words {
        match first.as_str() {
            "-n" => newline = false,
            "-e" => escapes = true,
            _ => break,
        }
        words = rest;
    }
    let mut text = words.join(" ").into_bytes();
    if escapes {
        text = unescape(&String::from_utf8_lossy(&text));
    }
    if newline {
        text.push(b'\n');
    }
    programs::done(process.stdout.write(text).await)
}

pub(super) async fn printf(process: &Process, words: &[String]) -> i32 {
    let Some((format, arguments)) = words.split_first() else {
        return process
            .fail(1, "printf: usage: printf FORMAT [ARG]...".into())
            .await;
    };
    let mut arguments = arguments.iter();
    let mut out = Vec::new();
    loop {
        let mut rest = format.as_str();
        let mut took = false;
        while let Some(at) = rest.find('%') {
            out.extend(unescape(&rest[..at]));
            match rest[at + 1..].chars().next() {
                Some('s' | 'd' | 'i') => {
                    took = true;
                    out.extend_from_slice(arguments.next().map_or(&[][..], |word| word.as_bytes()));
                }
                Some('b') => {
                    took = true;
                    out.extend(
                        arguments
                            .next()
                            .map(|word| unescape(word))
                            .unwrap_or_default(),
                    );
                }
                _ => out.push(b'%'),
            }
            rest = rest.get(at + 2..).unwrap_or("");
        }
        out.extend(unescape(rest));
        if !took || arguments.len() == 0 {
            break;
        }
    }
    programs::done(process.stdout.write(out).await)
}

/// Backslash escapes of `printf`: letters, octal and `\x` hexadecimal.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let number = |start: usize, most: usize, radix: u32| {
            let digits = bytes[start..].iter().take(most);
            let digits = digits.map_while(|digit| char::from(*digit).to_digit(radix));
            digits.fold((0, 0), |(value, length), digit| {
                (value * radix + digit, length + 1)
            })
        };
        let Some(&letter) = bytes.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        match letter {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'\\' => out.push(b'\\'),
            b'x' => {
                let (value, length) = number(at, 2, 16);
                at += length;
                out.push(u8::try_from(value).unwrap_or(b'?'));
            }
            b'0'..=b'7' => {
                let (value, length) = number(at - 1, 3, 8);
                at += length - 1;
                out.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
            }
            other => out.extend([b'\\', other]),
        }
    }
    out
}

pub(super) async fn seq(process: &Process, words: &[String]) -> i32 {
    let numbers: Vec<i64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let (first, last) = match numbers[..] {
        [last] => (1, last),
        [first, last] => (first, last),
        _ => return process.fail(1, "seq: usage: seq [FIRST] LAST".into()).await,
    };
    let mut text = String::new();
    for number in first..=last {
        text.push_str(&number.to_string());
        text.push('\n');
        if text.len() > 32 * 1024 && !process.stdout.write(std::mem::take(&mut text)).await {
            return 141;
        }
    }
    programs::done(process.stdout.write(text).await)
}

pub(super) async fn yes(process: &Process, words: &[String]) -> i32 {
    let line = if words.is_empty() {
        "y".to_owned()
    } else {
        words.join(" ")
    };
    let block = Bytes::from(format!("{line}\n").repeat(8 * 1024 / (line.len() + 1) + 1));
    while process.stdout.write(block.clone()).await {
        tokio::task::yield_now().await;
    }
    141
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_those_of_printf() {
        assert_eq!(unescape(r"a\n\t\\\x41\101\q"), b"a\n\t\\AA\\q");
        assert_eq!(unescape(r"\xff\000\"), b"\xff\0\\");
    }
}
