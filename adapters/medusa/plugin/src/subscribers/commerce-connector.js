"use strict"

/*
 * Tells the commerce connector which products and categories changed.
 *
 * Copy this file to src/subscribers/ of a Medusa v2 project and set COMMERCE_CONNECTOR_URL and
 * COMMERCE_CONNECTOR_SECRET. Events are gathered for a moment, resolved to product ids here, where
 * the database is at hand, and sent as one signed message (Standard Webhooks). What is sent is a
 * hint: the connector reads the truth itself, and its polls find what was never delivered. So
 * nothing in here may ever hold Medusa up or throw into it.
 *
 * Licence: MIT.
 */

const { createHmac, randomUUID } = require("node:crypto")

const WINDOW_MS = 200
const MAX_IDS_PER_MESSAGE = 500
const MAX_WAITING_IDS = 50000
const TRY_AGAIN_AFTER_MS = [250, 1000, 4000, 10000, 20000]
const TIMEOUT_MS = 10000

// How an event's ids lead to products. Rows deleted softly are found as well: no deleted_at here.
// `lanes` says what can have changed; without it, anything.
const OF_VARIANT = "SELECT product_id AS id FROM product_variant WHERE id = ANY(?)"
const OF_PRICE = `SELECT v.product_id AS id FROM price p
  JOIN product_variant_price_set l ON l.price_set_id = p.price_set_id
  JOIN product_variant v ON v.id = l.variant_id`
const OF_ITEM = `SELECT v.product_id AS id FROM product_variant_inventory_item l
  JOIN product_variant v ON v.id = l.variant_id`
const OF_OPTION = "SELECT product_id AS id FROM product_product_option"
const OFFERS = ["offers"]
const CONTENT = ["content", "media"]

const FAMILIES = [
  { events: ["product", "product.product"], kind: "product" },
  { events: ["product-variant", "product.product-variant"], sql: OF_VARIANT },
  {
    events: ["product.product-image"],
    sql: "SELECT product_id AS id FROM image WHERE id = ANY(?)",
    lanes: CONTENT,
  },
  {
    events: ["product-option", "product.product-option"],
    sql: `${OF_OPTION} WHERE product_option_id = ANY(?)`,
  },
  {
    events: ["product.product-option-value"],
    sql: `${OF_OPTION} WHERE product_option_id IN
      (SELECT option_id FROM product_option_value WHERE id = ANY(?))`,
  },
  {
    events: ["product-tag", "product.product-tag"],
    sql: "SELECT product_id AS id FROM product_tags WHERE product_tag_id = ANY(?)",
    lanes: CONTENT,
  },
  {
    events: ["product-type", "product.product-type"],
    sql: "SELECT id FROM product WHERE type_id = ANY(?)",
    lanes: CONTENT,
  },
  {
    events: ["product-collection", "product.product-collection"],
    sql: "SELECT id FROM product WHERE collection_id = ANY(?)",
    lanes: CONTENT,
  },
  { events: ["product-category", "product.product-category"], kind: "category" },
  { events: ["pricing.price"], sql: `${OF_PRICE} WHERE p.id = ANY(?)`, lanes: OFFERS },
  {
    events: ["pricing.price-rule"],
    sql: `${OF_PRICE} JOIN price_rule r ON r.price_id = p.id WHERE r.id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["pricing.price-list"],
    sql: `${OF_PRICE} WHERE p.price_list_id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["pricing.price-list-rule"],
    sql: `${OF_PRICE} JOIN price_list_rule r ON r.price_list_id = p.price_list_id
      WHERE r.id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["inventory-level", "inventory.inventory-level"],
    sql: `${OF_ITEM} JOIN inventory_level s ON s.inventory_item_id = l.inventory_item_id
      WHERE s.id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["reservation-item", "inventory.reservation-item"],
    sql: `${OF_ITEM} JOIN reservation_item s ON s.inventory_item_id = l.inventory_item_id
      WHERE s.id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["inventory-item", "inventory.inventory-item"],
    changes: ["deleted", "restored"],
    sql: `${OF_ITEM} WHERE l.inventory_item_id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["LinkProductVariantInventoryItem"],
    changes: ["attached", "detached"],
    sql: `${OF_ITEM} WHERE l.id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["LinkProductVariantPriceSet"],
    changes: ["attached", "detached"],
    sql: `SELECT v.product_id AS id FROM product_variant_price_set l
      JOIN product_variant v ON v.id = l.variant_id WHERE l.id = ANY(?)`,
    lanes: OFFERS,
  },
  {
    events: ["LinkProductSalesChannel"],
    changes: ["attached", "detached"],
    sql: "SELECT product_id AS id FROM product_sales_channel WHERE id = ANY(?)",
  },
  {
    events: ["translation", "translation.translation"],
    sql: "SELECT reference_id AS id, reference FROM translation WHERE id = ANY(?)",
    lanes: CONTENT,
  },
]

const FAMILY_OF = new Map()
for (const family of FAMILIES) {
  for (const name of family.events) {
    for (const change of family.changes ?? ["created", "updated", "deleted", "restored"]) {
      FAMILY_OF.set(`${name}.${change}`, family)
    }
  }
}

let waiting = new Map() // family -> Set of ids of its rows
let waitingCount = 0
let timer = null
let isSending = false
let complained = false

async function onEvent({ event, container }) {
  try {
    const family = FAMILY_OF.get(event.name)
    if (!family || !isSetUp(container)) return
    gather(family, idsOf(event.data))
    timer ??= setTimeout(() => flush(container), WINDOW_MS)
  } catch (error) {
    complain(container, `an event could not be noted: ${error.message}`)
  }
}

function isSetUp(container) {
  if (process.env.COMMERCE_CONNECTOR_URL && keyOf(process.env.COMMERCE_CONNECTOR_SECRET)) {
    return true
  }
  if (!complained) {
    complained = true
    complain(
      container,
      "set COMMERCE_CONNECTOR_URL and COMMERCE_CONNECTOR_SECRET (whsec_...); nothing is sent"
    )
  }
  return false
}

function idsOf(data) {
  return (Array.isArray(data) ? data : [data]).flatMap((each) => each?.id ?? []).filter(Boolean)
}

function gather(family, ids) {
  if (waitingCount + ids.length > MAX_WAITING_IDS) return // the connector's poll finds these
  const held = waiting.get(family) ?? new Set()
  ids.forEach((id) => held.add(id))
  waiting.set(family, held)
  waitingCount += ids.length
}

function flush(container) {
  timer = null
  if (!isSending) drain(container)
}

// One message is on its way at a time. What happens meanwhile gathers and follows as one batch, so
// that a receiver that was down finds a few messages and not a queue of thousands.
async function drain(container) {
  isSending = true
  while (waiting.size > 0) {
    const batch = waiting
    waiting = new Map()
    waitingCount = 0
    try {
      const subjects = await resolve(container, batch)
      for (const message of messagesOf(subjects)) await deliver(container, message)
    } catch (error) {
      complain(container, `changes could not be told: ${error.message}`)
    }
  }
  isSending = false
}

// Map of "product"/"category" to Map of id to its lanes (null: any).
async function resolve(container, batch) {
  const database = container.resolve("__pg_connection__")
  const subjects = { product: new Map(), category: new Map() }
  for (const [family, ids] of batch) {
    for (const { id, kind } of await subjectsOf(database, family, [...ids])) {
      const before = subjects[kind].get(id)
      const lanes = family.lanes
      const merged = before === null || !lanes ? null : [...new Set([...(before ?? []), ...lanes])]
      subjects[kind].set(id, merged)
    }
  }
  return subjects
}

async function subjectsOf(database, family, ids) {
  if (family.kind) return ids.map((id) => ({ id, kind: family.kind }))
  const { rows } = await database.raw(family.sql, [ids])
  return rows.flatMap(({ id, reference }) => {
    if (!reference || reference === "product") return [{ id, kind: "product" }]
    return reference === "product_category" ? [{ id, kind: "category" }] : []
  })
}

function messagesOf(subjects) {
  const all = ["product", "category"].flatMap((kind) =>
    [...subjects[kind]].map(([id, lanes]) => ({ kind, id, lanes }))
  )
  const messages = []
  for (let start = 0; start < all.length; start += MAX_IDS_PER_MESSAGE) {
    const part = all.slice(start, start + MAX_IDS_PER_MESSAGE)
    messages.push({
      id: `msg_${randomUUID()}`,
      sent_at: new Date().toISOString(),
      product_ids: part.filter(({ kind }) => kind === "product").map(({ id }) => id),
      category_ids: part.filter(({ kind }) => kind === "category").map(({ id }) => id),
      lanes: Object.fromEntries(part.filter(({ lanes }) => lanes).map(({ id, lanes }) => [id, lanes])),
    })
  }
  return messages
}

async function deliver(container, message) {
  const body = JSON.stringify(message)
  let outcome = ""
  for (const wait of [0, ...TRY_AGAIN_AFTER_MS]) {
    if (wait) await new Promise((done) => setTimeout(done, wait))
    outcome = await post(message.id, body)
    if (outcome === "") return
    if (outcome === "410" || outcome === "404" || outcome === "401") break
  }
  complain(container, `${message.id} was not delivered (${outcome}); the connector's poll finds it`)
}

// "" when it was taken; else the status, or what went wrong.
async function post(id, body) {
  const sentAt = Math.floor(Date.now() / 1000)
  try {
    const response = await fetch(process.env.COMMERCE_CONNECTOR_URL, {
      method: "POST",
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(sentAt),
        "webhook-signature": sign(id, sentAt, body),
      },
    })
    return response.ok ? "" : String(response.status)
  } catch (error) {
    return error.cause?.code ?? error.name
  }
}

function sign(id, sentAt, body) {
  const key = keyOf(process.env.COMMERCE_CONNECTOR_SECRET)
  return "v1," + createHmac("sha256", key).update(`${id}.${sentAt}.${body}`).digest("base64")
}

function keyOf(secret) {
  if (!secret?.startsWith("whsec_")) return null
  const key = Buffer.from(secret.slice("whsec_".length), "base64")
  return key.length >= 24 && key.length <= 64 ? key : null
}

function complain(container, sentence) {
  try {
    container.resolve("logger").warn(`commerce-connector: ${sentence}`)
  } catch {
    console.warn(`commerce-connector: ${sentence}`)
  }
}

module.exports = { default: onEvent, config: { event: [...FAMILY_OF.keys()] } }
