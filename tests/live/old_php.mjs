// Runs PHP 7.3, as WebAssembly, over a folder: node old_php.mjs PACKAGES FOLDER, the code on stdin.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"

const [, , packages, folder] = process.argv
const need = createRequire(join(packages, "package.json"))
const { getPHPLoaderModule } = need("@php-wasm/node-7-3")
const { PHP, loadPHPRuntime } = need("@php-wasm/universal")

const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule(), {}))
// Under its own path, since the site's configuration names it.
php.mkdir(folder)
await php.mount(folder, (_, FS, at) => {
  FS.mount(FS.filesystems.NODEFS, { root: folder }, at)
  return () => FS.unmount(at)
})
const answer = await php.run({ code: readFileSync(0, "utf8") })
process.stdout.write(answer.text)
process.stderr.write(answer.errors)
process.exit(answer.exitCode)
