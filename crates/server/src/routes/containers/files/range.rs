//! Ranges of bytes. Source: RFC 9110, section 14.

use axum::http::HeaderMap;
use axum::http::header::RANGE;

/// One range as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// From this byte on, up to that one.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
}

impl Range {
    /// The range that a request asks for. Several, and what is no range of bytes, are as if not asked for.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(RANGE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (unit, range) = value.to_str().ok()?.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
            return None;
        }
        let (first, last) = range.trim().split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => Some(Self::From(number(first)?, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The first byte and how many, of a file of that size; `None` if it has none of them.
    pub(super) fn within(self, size: u64) -> Option<(u64, u64)> {
        let (first, length) = match self {
            Self::From(first, last) => {
                let left = size.checked_sub(first)?;
                let wanted = last.map_or(u64::MAX, |last| (last - first).saturating_add(1));
                (first, wanted.min(left))
            }
            Self::Last(length) => {
                let length = length.min(size);
                (size - length, length)
            }
        };
        (length > 0).then_some((first, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &'static str) -> Option<Range> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, value.parse().expect("a value"));
        Range::of(&headers)
    }

    #[test]
    fn one_range_of_bytes() {
        assert_eq!(parse("bytes=0-9"), Some(Range::From(0, Some(9))));
        assert_eq!(parse("Bytes= 5-"), Some(Range::From(5, None)));
        assert_eq!(parse("bytes=-3"), Some(Range::Last(3)));
        for none in [
            "bytes=0-1,3-4",
            "bytes=5-4",
            "lines=0-1",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "0-1",
        ] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn what_a_file_has_of_it() {
        assert_eq!(Range::From(0, Some(9)).within(5), Some((0, 5)));
        assert_eq!(Range::From(2, Some(2)).within(5), Some((2, 1)));
        assert_eq!(Range::From(5, None).within(5), None);
        assert_eq!(Range::From(0, Some(u64::MAX)).within(1), Some((0, 1)));
        assert_eq!(Range::Last(3).within(5), Some((2, 3)));
        assert_eq!(Range::Last(9).within(5), Some((0, 5)));
        assert_eq!(Range::Last(0).within(5), None);
        assert_eq!(Range::Last(1).within(0), None);
    }
}
