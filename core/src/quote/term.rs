//! Terms of delivery (Incoterms 2020): what the price includes and by which transport they go.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::charge::ChargeKind;

/// A term of delivery.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Term {
    /// Ex works: the buyer fetches the goods.
    Exw,
    /// Free carrier: handed to the buyer's carrier, cleared for export.
    Fca,
    /// Free on board a ship.
    Fob,
    /// Cost, insurance and freight to the port of arrival.
    Cif,
    /// Carriage and insurance paid to the place of destination.
    Cip,
    /// Delivered at the place, not cleared for import.
    Dap,
    /// Delivered at the place, cleared, duties paid.
    Ddp,
}

/// By what the goods go from country to country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Sea.
    Sea,
    /// Rivers and canals.
    InlandWaterway,
    /// Air.
    Air,
    /// Road.
    Road,
    /// Rail.
    Rail,
    /// More than one, as a container that is handed over at a terminal.
    Multimodal,
}

impl Term {
    /// All terms, in the order in which the seller's part grows.
    pub const ALL: [Self; 7] =
        [Self::Exw, Self::Fca, Self::Fob, Self::Cif, Self::Cip, Self::Dap, Self::Ddp];

    /// Returns its three letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exw => "EXW",
            Self::Fca => "FCA",
            Self::Fob => "FOB",
            Self::Cif => "CIF",
            Self::Cip => "CIP",
            Self::Dap => "DAP",
            Self::Ddp => "DDP",
        }
    }

    /// Tells whether the seller bears charges of `kind`.
    pub fn includes(self, kind: ChargeKind) -> bool {
        let first = match kind {
            ChargeKind::PreCarriage | ChargeKind::ExportClearance => Self::Fca,
            ChargeKind::DepartureTerminal => Self::Fob,
            ChargeKind::MainFreight | ChargeKind::Insurance => Self::Cif,
            ChargeKind::ArrivalTerminal | ChargeKind::OnCarriage => Self::Cip,
            ChargeKind::ImportClearance => Self::Ddp,
        };
        first <= self
    }

    /// Tells whether the seller has to insure the goods.
    pub fn demands_insurance(self) -> bool {
        matches!(self, Self::Cif | Self::Cip)
    }

    /// Returns the term to take instead where `mode` rules this one out: those that speak of a ship's
    /// rail are for ships alone.
    pub fn instead_by(self, mode: Mode) -> Option<Self> {
        let is_by_ship = match mode {
            Mode::Sea | Mode::InlandWaterway => true,
            Mode::Air | Mode::Road | Mode::Rail | Mode::Multimodal => false,
        };
        match self {
            Self::Fob if !is_by_ship => Some(Self::Fca),
            Self::Cif if !is_by_ship => Some(Self::Cip),
            Self::Exw | Self::Fca | Self::Fob | Self::Cif | Self::Cip | Self::Dap | Self::Ddp => {
                None
            }
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Mode {
    /// Returns its name, as requests have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sea => "sea",
            Self::InlandWaterway => "inland-waterway",
            Self::Air => "air",
            Self::Road => "road",
            Self::Rail => "rail",
            Self::Multimodal => "multimodal",
        }
    }
}
