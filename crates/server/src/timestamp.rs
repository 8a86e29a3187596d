//! The contract's timestamps: UTC, ISO 8601 with microseconds, no zone suffix.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");

/// The time now.
pub(crate) fn now() -> String {
    format(OffsetDateTime::now_utc())
}

/// A time in that form.
pub(crate) fn format(time: OffsetDateTime) -> String {
    // Writing numbers into a string can't fail for a year of four digits.
    time.format(FORMAT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    #[test]
    fn six_digits_and_no_zone() {
        let time = datetime!(2025-01-19 15:47:19.000_123_456 UTC);
        assert_eq!(super::format(time), "2025-01-19T15:47:19.000123");
    }
}
