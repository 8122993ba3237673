//! Numbers, durations and ages as short text for a person.

use chrono::{DateTime, Utc};

/// Groups digits: `1,204`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun, pluralized by an `s`: `1 line`, `1,204 lines`.
pub fn pluralize(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A count rounded to two or three digits: `812`, `4.1 k`, `812 k`, `1.2 M`.
pub fn short_count(number: u64) -> String {
    match number as f64 {
        n if n < 1000.0 => format!("{n:.0}"),
        n if n < 9950.0 => format!("{:.1} k", n / 1000.0),
        n if n < 999_500.0 => format!("{:.0} k", n / 1000.0),
        n if n < 999_950_000.0 => format!("{:.1} M", n / 1_000_000.0),
        n => format!("{:.1} G", n / 1_000_000_000.0),
    }
}

/// How long a turn took, from milliseconds: `0.4 s`, `12 s`, `3 m 20 s`.
pub fn turn_duration(milliseconds: u64) -> String {
    match milliseconds {
        0..10_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        10_000..60_000 => format!("{} s", milliseconds / 1000),
        _ => format!("{} m {} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}

/// How long ago, in few characters: `now`, `5 m`, `2 h`, `3 d`, `40 w`. A time in
/// the future is `now`.
pub fn age(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    match (now - then).num_minutes() {
        ..1 => "now".to_owned(),
        minutes @ 1..60 => format!("{minutes} m"),
        minutes @ 60..1440 => format!("{} h", minutes / 60),
        minutes @ 1440..20_160 => format!("{} d", minutes / 1440),
        minutes => format!("{} w", minutes / 10_080),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_take_few_characters() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        for (then, shown) in [
            ("2026-11-20T11:59:30Z", "now"),
            ("2026-11-20T13:00:00Z", "now"),
            ("2026-11-20T11:15:00Z", "45 m"),
            ("2026-11-20T02:00:00Z", "10 h"),
            ("2026-11-12T12:00:00Z", "8 d"),
            ("2026-01-01T12:00:00Z", "46 w"),
        ] {
            assert_eq!(age(now, then.parse().unwrap()), shown);
        }
    }

    #[test]
    fn numbers_are_short_and_readable() {
        for (number, shown) in [(0, "0"), (999, "999"), (1204, "1,204"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
        for (number, shown) in
            [(7, "7"), (4100, "4.1 k"), (812_345, "812 k"), (1_234_567, "1.2 M"), (4_588_100_000, "4.6 G")]
        {
            assert_eq!(short_count(number), shown);
        }
        for (number, shown) in [(412, "0.4 s"), (12_345, "12 s"), (200_000, "3 m 20 s")] {
            assert_eq!(turn_duration(number), shown);
        }
        assert_eq!((pluralize(1, "line").as_str(), pluralize(2, "line").as_str()), ("1 line", "2 lines"));
    }
}
