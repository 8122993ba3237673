//! Ages and sizes on the command line and in output: `90d`, `50MB`.

use std::str::FromStr;

use chrono::Duration;

/// An age: a number with `h`, `d`, `w`, `m` (30 days) or `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeArg(pub Duration);

/// A size in bytes, or with `KB`, `MB`, `GB` (powers of 1000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeArg(pub u64);

impl FromStr for AgeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("“{text}” is not an age (try 12h, 90d, 8w, 6m or 1y)");
        let (number, unit) = split_unit(text);
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let hours = match unit.as_str() {
            "h" => 1,
            "d" => 24,
            "w" => 24 * 7,
            "m" => 24 * 30,
            "y" => 24 * 365,
            _ => return Err(wrong()),
        };
        number.checked_mul(hours).and_then(Duration::try_hours).map(Self).ok_or_else(wrong)
    }
}

impl FromStr for SizeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("“{text}” is not a size (try 800KB, 50MB or 1.5GB)");
        let (number, unit) = split_unit(text);
        let number: f64 = number.parse().ok().filter(|number: &f64| *number >= 0.0).ok_or_else(wrong)?;
        let times = match unit.as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            _ => return Err(wrong()),
        };
        Ok(Self((number * times) as u64))
    }
}

/// The number and the lowercase unit behind it.
fn split_unit(text: &str) -> (&str, String) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim().to_ascii_lowercase())
}

pub fn format_bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} KB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_are_read() {
        assert_eq!("90d".parse(), Ok(AgeArg(Duration::days(90))));
        assert_eq!(" 2 W ".parse(), Ok(AgeArg(Duration::days(14))));
        assert_eq!("50MB".parse(), Ok(SizeArg(50_000_000)));
        assert_eq!("1.5 gb".parse(), Ok(SizeArg(1_500_000_000)));
        assert_eq!("12".parse(), Ok(SizeArg(12)));
        for wrong in ["", "90", "d", "-3d", "3x", "99999999999999999999d", "9223372036854775807y"] {
            assert!(wrong.parse::<AgeArg>().is_err(), "{wrong}");
        }
        for wrong in ["", "MB", "-1MB", "1.2.3MB", "5 elephants"] {
            assert!(wrong.parse::<SizeArg>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_short() {
        let all: Vec<_> = [0, 999, 1_000, 2_500_000, 3_100_000_000].into_iter().map(format_bytes).collect();
        assert_eq!(all, ["0 B", "999 B", "1 KB", "2.5 MB", "3.1 GB"]);
    }
}
