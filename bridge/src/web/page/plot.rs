//! Plots: points with a line through them, as places on a picture. Beside each stands its table.
#![expect(clippy::float_arithmetic, reason = "places on a picture")]

/// The size of a picture, and where in it the axes are, in its own units.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 310.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 168.0;
/// Marks at an axis, more or less.
const TICKS: f64 = 4.0;
/// Points that have their name below them, of many only some.
const NAMES_MAX: usize = 4;

/// A plot, 320 by 200 units.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// What it shows, for people and for who hears it.
    pub(crate) title: String,
    /// What is told by height.
    pub(crate) height: String,
    pub(crate) points: Vec<Place>,
    /// The points as a line.
    pub(crate) line: String,
    /// What would be right.
    pub(crate) reference: Option<[Place; 2]>,
    pub(crate) across: Vec<Tick>,
    pub(crate) up: Vec<Tick>,
}

/// A place on the picture.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) x: String,
    pub(crate) y: String,
    /// What is there, in words.
    pub(crate) told: String,
}

/// A mark at an axis.
#[derive(Clone, Debug)]
pub(crate) struct Tick {
    pub(crate) at: String,
    pub(crate) label: String,
}

/// An axis: what is at its ends, and where they are.
#[derive(Clone, Copy, Debug)]
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low).max(1e-12);
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Returns round numbers along the axis.
    fn ticks(&self, label: impl Fn(f64) -> String) -> Vec<Tick> {
        let step = rounded((self.high - self.low) / TICKS);
        let mut ticks = Vec::new();
        let mut at = (self.low / step).ceil() * step;
        while at <= self.high + step * 1e-6 && ticks.len() < 16 {
            ticks.push(Tick { at: text(self.place(at)), label: label(at) });
            at += step;
        }
        ticks
    }
}

impl Plot {
    /// Returns shares against the probabilities that were said, with the line on which they ought to
    /// be.
    pub(crate) fn calibration((title, height): (String, String), points: &[(f64, f64)]) -> Self {
        let most = points.iter().fold(0.1, |most, (said, came)| said.max(*came).max(most));
        let high = (most * 10.0).ceil() / 10.0;
        let across = Axis { low: 0.0, high, from: LEFT, to: RIGHT };
        let up = Axis { low: 0.0, high, from: BOTTOM, to: TOP };
        let place = |(said, came): &(f64, f64)| Place {
            x: text(across.place(*said)),
            y: text(up.place(*came)),
            told: format!("{} → {}", percent(*said), percent(*came)),
        };
        let points: Vec<Place> = points.iter().map(place).collect();
        Self {
            title,
            height,
            line: line(&points),
            points,
            reference: Some([place(&(0.0, 0.0)), place(&(high, high))]),
            across: across.ticks(percent),
            up: up.ticks(percent),
        }
    }

    /// Returns values over time, each with its name, and the value that would be right.
    pub(crate) fn over_time(
        (title, height): (String, String),
        values: &[(String, f64)],
        (right, label): (Option<f64>, fn(f64) -> String),
    ) -> Self {
        let all = || values.iter().map(|(_, value)| *value).chain(right);
        let high = all().fold(0.0, f64::max);
        let step = rounded((high / TICKS).max(1e-6));
        // A sum of shares may be above one by its last digits.
        let high = (high / step - 1e-6).ceil().max(1.0) * step;
        let up = Axis { low: 0.0, high, from: BOTTOM, to: TOP };
        let last = values.len().saturating_sub(1);
        let across = |at: usize| {
            let part = Axis { low: 0.0, high: count(last), from: LEFT + 8.0, to: RIGHT - 8.0 };
            text(part.place(count(at)))
        };
        let points: Vec<Place> = (0..)
            .zip(values)
            .map(|(at, (name, value))| Place {
                x: across(at),
                y: text(up.place(*value)),
                told: format!("{name}: {}", label(*value)),
            })
            .collect();
        let every = values.len().div_ceil(NAMES_MAX).max(1);
        let names = (0..).zip(values).step_by(every);
        let level = right.map(|right| {
            let y = text(up.place(right));
            [LEFT, RIGHT].map(|x| Place { x: text(x), y: y.clone(), told: String::new() })
        });
        Self {
            title,
            height,
            line: line(&points),
            points,
            reference: level,
            across: names
                .map(|(at, (name, _))| Tick { at: across(at), label: name.clone() })
                .collect(),
            up: up.ticks(label),
        }
    }
}

/// Returns a share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Returns a number with as many decimals as tell it apart.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

fn count(of: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

fn text(place: f64) -> String {
    format!("{place:.1}")
}

fn line(points: &[Place]) -> String {
    let points: Vec<String> =
        points.iter().map(|point| format!("{},{}", point.x, point.y)).collect();
    points.join(" ")
}

/// Returns 1, 2 or 5 times a power of ten, the first one that is not less than `step`.
fn rounded(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(1e-9).log10().floor());
    let found =
        [1.0, 2.0, 5.0].into_iter().map(|by| by * power).find(|round| step <= *round * 1.001);
    found.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        for (step, expected) in [(0.013, 0.02), (0.2, 0.2), (3.1, 5.0), (7.0, 10.0), (1.0, 1.0)] {
            assert!((rounded(step) - expected).abs() < 1e-9, "{step}: {}", rounded(step));
        }
    }

    #[test]
    fn of_nothing_or_one_point_there_is_a_plot() {
        let words = || ("a".to_owned(), "b".to_owned());
        assert_eq!(Plot::over_time(words(), &[], (None, number)).line, "");
        let one = [("2025-01".to_owned(), 0.4)];
        let plot = Plot::over_time(words(), &one, (Some(0.5), percent));
        assert_eq!((plot.points.len(), plot.across.len()), (1, 1));
        let labels: Vec<_> = plot.up.iter().map(|tick| &*tick.label).collect();
        assert_eq!(labels, ["0 %", "20 %", "40 %", "60 %"]);
        let whole = [("2025-01".to_owned(), 1.0 + 1e-12)];
        let plot = Plot::over_time(words(), &whole, (Some(0.95), percent));
        assert_eq!(plot.up.last().map(|tick| &*tick.label), Some("100 %"));
        assert_eq!(Plot::calibration(words(), &[(0.05, 0.02)]).across[0].label, "0 %");
    }
}
