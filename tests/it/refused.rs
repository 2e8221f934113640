//! PostgreSQL refuses a row: the refusal is certain, so nobody repeats it; and its words, which quote the row, are nowhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    OPERATOR, Service, World, address, agreed, custom_cart, everything, good_card, logs, run,
};

const STREET: &str = "77 PIIMARK Street";
const EMAIL: &str = "zeb.quagmire.piimark@example.com";

async fn sql(world: &World, statement: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&world.database.pool)
        .await
        .expect("a statement");
}

async fn restart(service: &Service, path: &str) {
    let path = path.replace("/v1/", "/ops/v1/");
    let reason = json!({"reason": "the constraint is gone"});
    service.operate(Method::POST, &format!("{path}/restart"), OPERATOR, Some(&reason)).await.expect(200);
}

async fn attempts(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from attempt_log")
        .fetch_one(&world.database.pool)
        .await
        .expect("a count")
}

#[tokio::test]
async fn a_refused_row_is_stuck_at_once_and_its_words_are_in_no_log() {
    run(async |world, service| {
        sql(
            world,
            "alter table checkout_content add constraint zz_refused
             check (document is null or document::text not like '%PIIMARK%') not valid",
        )
        .await;
        let mut body = custom_cart();
        body["billing_address"] = address();
        body["billing_address"]["address1"] = json!(STREET);
        body["billing_address"]["email"] = json!(EMAIL);
        let created = service.post("/v1/checkouts", &body).await.expect(409);
        assert_eq!(created.problem(), "checkout-stuck");
        let id: String = sqlx::query_scalar("select checkout_id::text from checkout")
            .fetch_one(&world.database.pool)
            .await
            .expect("a checkout");
        let path = format!("/v1/checkouts/{id}");
        let stuck = service.get(&path).await.expect(200).body["stuck"].clone();
        let detail = stuck["detail"].as_str().unwrap_or_default();
        for told in ["SQLSTATE 23514", "zz_refused", "checkout_content"] {
            assert!(detail.contains(told), "{stuck}");
            assert!(logs::contain(told), "the log says {told}");
        }
        let so_far = attempts(world).await;
        for kept_back in [STREET, EMAIL, "Failing row"] {
            assert!(!logs::contain(kept_back), "the log holds {kept_back}");
        }
        assert_eq!(attempts(world).await, so_far, "nobody repeats it");

        sql(world, "alter table checkout_content drop constraint zz_refused").await;
        restart(service, &path).await;
        service
            .wait_until(&path, "past the address", |snapshot| {
                snapshot["next_step"] == "consignments" && snapshot["status"] == "awaiting_input"
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_payment_whose_outcome_is_refused_is_stuck_and_not_made_again() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &agreed(json!({}))).await.expect(200);
        sql(
            world,
            "alter table checkout add constraint zz_unpaid check (status <> 'completed') not valid",
        )
        .await;
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!(paid.problem(), "payment-in-doubt");
        let snapshot = service.get(&path).await.expect(200).body;
        assert_eq!((&snapshot["status"], &snapshot["stuck"]["reason"]), (&json!("stuck"), &json!("payment-unknown")));
        assert_eq!(snapshot["payment"]["safe_to_pay_again"], Value::Bool(false));
        let evidence: i64 = sqlx::query_scalar(
            "select count(*) from attempt_log where version is null and ended_step = 'payment' and outcome = 'succeeded'",
        )
        .fetch_one(&world.database.pool)
        .await
        .expect("a count");
        assert_eq!(evidence, 1, "what the payment came to is in the history");
        assert_eq!(world.simulator.ledger().charges.len(), 1);

        sql(world, "alter table checkout drop constraint zz_unpaid").await;
        restart(service, &path).await;
        service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}
