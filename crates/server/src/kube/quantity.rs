//! Amounts, as Kubernetes writes them. Source: its API reference, "Quantity".

use super::document::Quantity;

/// `128Mi`, `1G`, `1048576`, `0.5Gi`.
pub(super) fn bytes(quantity: &Quantity) -> Option<u64> {
    let value = amount(
        quantity,
        &[
            ("Ki", 1024.0),
            ("Mi", 1_048_576.0),
            ("Gi", 1_073_741_824.0),
            ("Ti", 1_099_511_627_776.0),
            ("k", 1e3),
            ("M", 1e6),
            ("G", 1e9),
            ("T", 1e12),
        ],
    )?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    (1.0..9e15).contains(&value).then_some(value as u64)
}

/// `500m`, `0.5`, `2`.
pub(super) fn cpus(quantity: &Quantity) -> Option<f64> {
    amount(quantity, &[("m", 1e-3)])
}

fn amount(quantity: &Quantity, units: &[(&str, f64)]) -> Option<f64> {
    let text = match quantity {
        Quantity::Number(number) => return Some(*number),
        Quantity::Text(text) => text.as_str(),
    };
    let unit = units.iter().find(|(unit, _)| text.ends_with(unit));
    let (digits, factor) = match unit {
        Some((unit, factor)) => (text.strip_suffix(unit)?, *factor),
        None => (text, 1.0),
    };
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    digits
        .parse::<f64>()
        .ok()
        .filter(|_| plain)
        .map(|number| number * factor)
}
