//! Parses points in time as a person types them.

use chrono::{DateTime, Days, FixedOffset, Months, NaiveDate, TimeDelta, Utc};

/// Examples for the error about a time that cannot be parsed.
pub const TIME_EXAMPLES: &str = "3d, 2w, yesterday or 2026-10-01";

/// Words for days, with how many days ago each is.
pub const NAMED_DAYS: [(&str, u64); 2] = [("today", 0), ("yesterday", 1)];

/// Parses `2026-10-01`, `2026-10`, `2026`, `today`, `yesterday`, or a time before `now`: `30m`,
/// `5h`, `3d`, `2w`, `6mo`, `1y`. `None` if it is none of these.
pub fn parse_time(text: &str, now: DateTime<FixedOffset>) -> Option<DateTime<Utc>> {
    let text = text.to_ascii_lowercase();
    let today = now.date_naive();
    let day = NAMED_DAYS
        .iter()
        .find(|(name, _)| *name == text)
        .and_then(|(_, ago)| today.checked_sub_days(Days::new(*ago)));
    match day.or_else(|| parse_date(&text)) {
        // Midnight may be skipped where clocks change; this offset has no such days.
        Some(day) => Some(day.and_hms_opt(0, 0, 0)?.and_local_timezone(*now.offset()).single()?.to_utc()),
        None => parse_ago(&text, now.to_utc()),
    }
}

/// A day, or the first day of a month or a year.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let mut next = || parts.next().map_or(Some(1), |part| part.parse().ok());
    let date = NaiveDate::from_ymd_opt(year, next()?, next()?)?;
    parts.next().is_none().then_some(date)
}

fn parse_ago(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u32 = number.parse().ok()?;
    let count = i64::from(number);
    match unit {
        "m" | "min" => now.checked_sub_signed(TimeDelta::try_minutes(count)?),
        "h" => now.checked_sub_signed(TimeDelta::try_hours(count)?),
        "d" => now.checked_sub_signed(TimeDelta::try_days(count)?),
        "w" => now.checked_sub_signed(TimeDelta::try_weeks(count)?),
        "mo" => now.checked_sub_months(Months::new(number)),
        "y" => now.checked_sub_months(Months::new(number.checked_mul(12)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let now: DateTime<FixedOffset> = "2026-11-20T12:00:00+02:00".parse().unwrap();
        let expected = expected.map(|time| time.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(parse_time(text, now), expected, "{text}");
    }

    #[test]
    fn days_begin_where_the_person_is() {
        check("2026-10-01", Some("2026-09-30T22:00:00Z"));
        check("2026-10", Some("2026-09-30T22:00:00Z"));
        check("2026", Some("2025-12-31T22:00:00Z"));
        check("today", Some("2026-11-19T22:00:00Z"));
        check("Yesterday", Some("2026-11-18T22:00:00Z"));
    }

    #[test]
    fn so_long_ago_counts_from_now() {
        check("30m", Some("2026-11-20T09:30:00Z"));
        check("5h", Some("2026-11-20T05:00:00Z"));
        check("3d", Some("2026-11-17T10:00:00Z"));
        check("2w", Some("2026-11-06T10:00:00Z"));
        check("6mo", Some("2026-05-20T10:00:00Z"));
        check("1y", Some("2025-11-20T10:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "tomorow", "3", "d", "3x", "2026-13-01", "2026-10-01-01", "26-10-01", "99999999999d"]
        {
            check(text, None);
        }
        for huge in ["4294967295y", "4294967295w", "4294967295mo"] {
            check(huge, None);
        }
    }
}
