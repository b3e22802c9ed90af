//! Parameters that the endpoints for subscriptions and for Checkout sessions share.

use crate::{
    api_error::ApiError,
    form::{MAX_TIMESTAMP_SECS, Params},
    records::{BillingMode, MissingPaymentMethod},
};

/// Parses `trial_settings[end_behavior][missing_payment_method]`.
pub(super) fn parse_missing_payment_method(
    params: &mut Params,
) -> Result<Option<MissingPaymentMethod>, ApiError> {
    let Some(mut settings) = params.nested("trial_settings")? else {
        return Ok(None);
    };
    let mut missing = None;
    if let Some(mut behavior) = settings.nested("end_behavior")? {
        missing = behavior.one_of("missing_payment_method", MissingPaymentMethod::parse)?;
        behavior.finish()?;
    }
    settings.finish()?;
    Ok(missing)
}

/// Parses `billing_mode[type]`.
pub(super) fn parse_billing_mode(params: &mut Params) -> Result<BillingMode, ApiError> {
    let Some(mut part) = params.nested("billing_mode")? else {
        return Ok(BillingMode::default());
    };
    let mode = part.one_of("type", BillingMode::parse)?;
    part.ignore(&["flexible"]);
    part.finish()?;
    Ok(mode.unwrap_or_default())
}

/// Parses `trial_period_days`: 1 to 730.
pub(super) fn parse_trial_days(params: &mut Params) -> Result<Option<i64>, ApiError> {
    let days = params.integer("trial_period_days")?;
    if days.is_some_and(|days| !(1..=730).contains(&days)) {
        return Err(ApiError::invalid_parameter(
            params.full_name("trial_period_days"),
            "This value must be between 1 and 730.",
        ));
    }
    Ok(days)
}

/// Parses a timestamp. Fails if it is not after `now` and before 2100.
pub(super) fn parse_future_timestamp(text: &str, now: i64, param: &str) -> Result<i64, ApiError> {
    let at = text
        .parse()
        .map_err(|_| ApiError::invalid_parameter(param, format!("Invalid timestamp: {text}")))?;
    if !(now + 1..=MAX_TIMESTAMP_SECS).contains(&at) {
        return Err(ApiError::invalid_parameter(
            param,
            format!("`{param}` must be in the future, before 2100."),
        ));
    }
    Ok(at)
}
