//! Adjusters: facts that make lanes slower, or demand other, where a held-out test says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::exact::Exact;
use crate::task::Title;

/// A fact under which a lane may take longer, or demand may be other than usual.
///
/// Each plan tests it on what records say of the past, and on days that it did not learn from
/// ([`crate::forecast::regressor`]). Where it does not clearly help, it changes nothing. It names `lanes` or
/// `demand`, and `weather` or `policy`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjusterDocument {
    /// Its name, as reasons and verdicts have it.
    pub id: String,
    /// What it is, for people.
    pub title: Title,
    /// The lanes of this document that it may make slower, by id; `*` all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<String>,
    /// Instead: the demand that may be other under it, apart from deals and failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<DemandScopeDocument>,
    /// Weather on the day of departure, or on the days of demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weather: Option<WeatherFactDocument>,
    /// Instead: a policy that holds on that day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyFactDocument>,
}

/// Which demand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DemandScopeDocument {
    /// That of these products. Default: of all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// That at these places. Default: at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
}

/// Weather that feeds tell: so on a day of which the day's value, or that of any of its hours, is above or
/// below a bound.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeatherFactDocument {
    /// Where, as feeds name it, or a place of this document by its id.
    pub place: String,
    /// What, by the source's name: `wind_gusts_10m`.
    pub what: String,
    /// So if the value is more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Exact>,
    /// Instead: so if the value is less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Exact>,
    /// The unit of the bound, as the source has it: `km/h`. Values in another are left out. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A policy that feeds tell and somebody has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFactDocument {
    /// Where: `CN-62`. One for everywhere counts, too.
    pub region: String,
    /// For which product or group; one for all counts, too. Default: `*`, only those for all.
    #[serde(default = "all")]
    pub product: String,
    /// Only the one with this title. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl AdjusterDocument {
    /// Returns what is wrong with it, if anything is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let Self { lanes, demand, weather, policy, .. } = self;
        let bounds = |weather: &WeatherFactDocument| (weather.above, weather.below);
        match (lanes.is_empty(), demand, weather, policy) {
            (true, None, _, _) | (false, Some(_), _, _) => {
                Some("it names not either lanes or demand")
            }
            (_, _, None, None) | (_, _, Some(_), Some(_)) => {
                Some("it names not either weather or a policy")
            }
            (_, _, Some(weather), None) => match bounds(weather) {
                (None, None) | (Some(_), Some(_)) => {
                    Some("its weather is not either above or below")
                }
                (Some(_), None) | (None, Some(_)) => None,
            },
            (_, _, None, Some(_)) => None,
        }
    }
}

fn all() -> String {
    "*".to_owned()
}
