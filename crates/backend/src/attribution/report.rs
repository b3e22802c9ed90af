//! The campaign report: sign-ups, trials, conversions, revenue and refunds by touch.

use std::collections::BTreeMap;

use db::Db;
use tracking::Money;

use super::store;

/// Which touch of an account counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TouchModel {
    First,
    Last,
    /// The first touch that the SDK reported.
    SdkFirst,
}

/// One figure of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CampaignFigure {
    SignUps(i64),
    Trials(i64),
    Conversions(i64),
    Revenue(Money),
    Refunds(Money),
}

/// The figures of one campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignRow {
    /// The campaign's name; `None`: it was not recorded, for example without consent.
    pub campaign: Option<String>,
    /// Accounts that signed up.
    pub sign_ups: i64,
    /// Trials that started.
    pub trials: i64,
    /// Trials with a paid invoice after their end.
    pub conversions: i64,
    /// Payments, one sum for each currency.
    pub revenue: Vec<Money>,
    /// Refunds and lost disputes, positive, one sum for each currency.
    pub refunds: Vec<Money>,
}

/// The same accounts and payments by three touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignReport {
    /// By the account's first touch.
    pub first: Vec<CampaignRow>,
    /// By the touch of the session in which the account signed up or ordered.
    pub last: Vec<CampaignRow>,
    /// By the first touch that Amplitude's SDK reported.
    pub sdk: Vec<CampaignRow>,
}

impl CampaignReport {
    /// Reads the report.
    pub(crate) async fn read(db: &Db) -> Result<Self, sqlx::Error> {
        let rows = |model| async move { store::figures(db.pool(), model).await.map(rows_of) };
        Ok(Self {
            first: rows(TouchModel::First).await?,
            last: rows(TouchModel::Last).await?,
            sdk: rows(TouchModel::SdkFirst).await?,
        })
    }
}

/// One row for each campaign: those with the highest revenue and the most sign-ups first, and the row of no campaign last.
fn rows_of(figures: Vec<(Option<String>, CampaignFigure)>) -> Vec<CampaignRow> {
    let mut rows: BTreeMap<Option<String>, CampaignRow> = BTreeMap::new();
    for (campaign, figure) in figures {
        let row = rows.entry(campaign.clone()).or_default();
        row.campaign = campaign;
        match figure {
            CampaignFigure::SignUps(count) => row.sign_ups += count,
            CampaignFigure::Trials(count) => row.trials += count,
            CampaignFigure::Conversions(count) => row.conversions += count,
            CampaignFigure::Revenue(amount) => add(&mut row.revenue, amount),
            CampaignFigure::Refunds(amount) => add(&mut row.refunds, amount),
        }
    }
    let mut rows: Vec<CampaignRow> = rows.into_values().collect();
    rows.sort_by_key(|row| {
        let amounts = row.revenue.iter().map(|amount| amount.minor);
        let paid = amounts.fold(0_i64, i64::saturating_add);
        (row.campaign.is_none(), std::cmp::Reverse((paid, row.sign_ups)))
    });
    rows
}

fn add(sums: &mut Vec<Money>, amount: Money) {
    match sums.iter_mut().find(|sum| sum.currency == amount.currency) {
        Some(sum) => sum.minor = sum.minor.saturating_add(amount.minor),
        None => sums.push(amount),
    }
}

#[cfg(test)]
mod tests {
    use tracking::Currency;

    use super::*;

    #[test]
    fn figures_are_summed_by_campaign_and_currency() {
        let eur = Currency::parse("eur").unwrap();
        let (spring, none) = (Some("spring".to_owned()), None);
        let rows = rows_of(vec![
            (none, CampaignFigure::SignUps(5)),
            (Some("autumn".to_owned()), CampaignFigure::SignUps(3)),
            (spring.clone(), CampaignFigure::SignUps(1)),
            (
                spring.clone(),
                CampaignFigure::Revenue(Money::new(1200, Currency::USD)),
            ),
            (
                spring.clone(),
                CampaignFigure::Revenue(Money::new(300, Currency::USD)),
            ),
            (spring.clone(), CampaignFigure::Revenue(Money::new(900, eur))),
            (spring, CampaignFigure::Refunds(Money::new(100, eur))),
        ]);
        let names: Vec<_> = rows.iter().map(|row| row.campaign.as_deref()).collect();
        assert_eq!(names, [Some("spring"), Some("autumn"), None]);
        assert_eq!(
            rows[0].revenue,
            [Money::new(1500, Currency::USD), Money::new(900, eur)]
        );
        assert_eq!(rows[0].refunds, [Money::new(100, eur)]);
        assert_eq!(rows[2].sign_ups, 5);
    }
}
