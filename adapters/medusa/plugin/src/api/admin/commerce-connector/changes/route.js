"use strict"

/*
 * GET /admin/commerce-connector/changes?since=ISO&limit=&after=
 *
 * Copy this file, with its folders, to src/api/ of a Medusa v2 project. It answers which products
 * and categories were touched since a moment in any of the tables that make up their pages, by the
 * timestamps that Medusa's own API does not show: prices, price lists, stock, pictures, options,
 * channels, translations. Medusa asks for an admin's credential itself. Pages go by id: ask again
 * with the last id as `after` while `more` is true. `now` is the database's clock.
 *
 * What has no timestamp is not in here: a category's list of products, a product's tags.
 *
 * Licence: MIT.
 */

const PLUGIN_VERSION = "0.1.0"
const MAX_LIMIT = 5000

const touched = (alias) => `(${alias}.updated_at >= :since OR ${alias}.deleted_at >= :since)`
const moment = (alias) => `GREATEST(${alias}.updated_at, ${alias}.deleted_at)`

// Each source leads from a table with timestamps to products. It is used where its tables exist, so
// that the same file serves older Medusas and those without the translation module.
const VARIANT_OF_PRICE = `JOIN product_variant_price_set l ON l.price_set_id = p.price_set_id
  JOIN product_variant v ON v.id = l.variant_id`
const VARIANT_OF_ITEM = `JOIN product_variant_inventory_item l
  ON l.inventory_item_id = t.inventory_item_id JOIN product_variant v ON v.id = l.variant_id`

const SOURCES = [
  { table: "product", id: "t.id" },
  { table: "product_variant", id: "t.product_id" },
  { table: "image", id: "t.product_id", lanes: "content,media" },
  {
    table: "product_variant_product_image",
    id: "v.product_id",
    join: "JOIN product_variant v ON v.id = t.variant_id",
    lanes: "content,media",
  },
  { table: "product_product_option", id: "t.product_id" },
  {
    table: "product_option",
    id: "o.product_id",
    join: "JOIN product_product_option o ON o.product_option_id = t.id",
    needs: ["product_product_option"],
  },
  {
    table: "product_option_value",
    id: "o.product_id",
    join: "JOIN product_product_option o ON o.product_option_id = t.option_id",
    needs: ["product_product_option"],
  },
  {
    table: "product_product_option_value",
    id: "o.product_id",
    join: "JOIN product_product_option o ON o.id = t.product_product_option_id",
    needs: ["product_product_option"],
  },
  {
    table: "product_tag",
    id: "g.product_id",
    join: "JOIN product_tags g ON g.product_tag_id = t.id",
    lanes: "content",
  },
  {
    table: "product_type",
    id: "r.id",
    join: "JOIN product r ON r.type_id = t.id",
    lanes: "content",
  },
  {
    table: "product_collection",
    id: "r.id",
    join: "JOIN product r ON r.collection_id = t.id",
    lanes: "content",
  },
  { table: "product_sales_channel", id: "t.product_id" },
  {
    table: "price",
    id: "v.product_id",
    join: VARIANT_OF_PRICE.replaceAll("p.price", "t.price"),
    lanes: "offers",
  },
  {
    table: "price_rule",
    id: "v.product_id",
    join: `JOIN price p ON p.id = t.price_id ${VARIANT_OF_PRICE}`,
    lanes: "offers",
  },
  {
    table: "price_list",
    id: "v.product_id",
    join: `JOIN price p ON p.price_list_id = t.id ${VARIANT_OF_PRICE}`,
    lanes: "offers",
  },
  {
    table: "price_list_rule",
    id: "v.product_id",
    join: `JOIN price p ON p.price_list_id = t.price_list_id ${VARIANT_OF_PRICE}`,
    lanes: "offers",
  },
  {
    table: "product_variant_price_set",
    id: "v.product_id",
    join: "JOIN product_variant v ON v.id = t.variant_id",
    lanes: "offers",
  },
  { table: "inventory_level", id: "v.product_id", join: VARIANT_OF_ITEM, lanes: "offers" },
  { table: "reservation_item", id: "v.product_id", join: VARIANT_OF_ITEM, lanes: "offers" },
  {
    table: "product_variant_inventory_item",
    id: "v.product_id",
    join: "JOIN product_variant v ON v.id = t.variant_id",
    lanes: "offers",
  },
  {
    table: "translation",
    id: "t.reference_id",
    where: "t.reference = 'product'",
    lanes: "content",
  },
  { table: "product_category", id: "t.id", kind: "category" },
  {
    table: "translation",
    id: "t.reference_id",
    where: "t.reference = 'product_category'",
    kind: "category",
  },
]

function sqlOf(source) {
  const { table, id, kind = "product", join = "", where = "TRUE", lanes = "" } = source
  return `SELECT '${kind}' AS kind, ${id} AS id, ${moment("t")} AS at, '${lanes}' AS lanes
    FROM ${table} t ${join} WHERE ${touched("t")} AND ${where}`
}

// lanes of a subject: those of all its sources together; any source without lanes means all.
const pageOf = (sources) => `
  SELECT c.kind, c.id, MAX(c.at) AS at, STRING_AGG(DISTINCT c.lanes, '|') AS lanes,
    BOOL_OR(c.lanes = '') AS any_lane,
    (c.kind = 'product' AND MAX(d.deleted_at) IS NOT NULL) AS deleted
  FROM (${sources.map(sqlOf).join(" UNION ALL ")}) c
  LEFT JOIN product d ON d.id = c.id
  WHERE c.id IS NOT NULL AND c.id COLLATE "C" > :after
  GROUP BY c.kind, c.id ORDER BY c.id COLLATE "C" LIMIT :limit`

let usable = null

async function sourcesIn(database) {
  const { rows } = await database.raw(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
  )
  const tables = new Set(rows.map((row) => row.table_name))
  return SOURCES.filter(({ table, needs = [] }) => [table, ...needs].every((t) => tables.has(t)))
}

async function GET(req, res) {
  const database = req.scope.resolve("__pg_connection__")
  const { rows } = await database.raw("SELECT clock_timestamp() AS now")
  const about = { now: iso(rows[0].now), plugin_version: PLUGIN_VERSION, medusa_version: version() }
  const limit = Math.min(Number(req.query.limit ?? 1000), MAX_LIMIT)
  const since = new Date(String(req.query.since ?? ""))
  if (!(limit >= 0)) return refuse(res, "limit is no number")
  if (limit === 0) return res.json({ ...about, changes: [], more: false })
  if (Number.isNaN(since.getTime())) return refuse(res, "since is no ISO 8601 time")
  usable ??= await sourcesIn(database)
  const found = await database.raw(pageOf(usable), {
    since: since.toISOString(),
    after: String(req.query.after ?? ""),
    limit: limit + 1,
  })
  const changes = found.rows.slice(0, limit).map(changeOf)
  res.json({ ...about, changes, more: found.rows.length > limit })
}

function changeOf({ kind, id, at, lanes, any_lane: anyLane, deleted }) {
  const names = anyLane ? [] : [...new Set(lanes.split(/[|,]/))].sort()
  return { kind, id, changed_at: iso(at), deleted, lanes: names }
}

const iso = (time) => new Date(time).toISOString()

function refuse(res, message) {
  res.status(400).json({ type: "invalid_data", message })
}

function version() {
  try {
    return require("@medusajs/medusa/package.json").version
  } catch {
    return null
  }
}

module.exports = { GET }
