-- What the paper uses of Quarto, for plain pandoc: numbered figures, tables and equations, their
-- references, callouts, links between pages. The anchors and class names are Quarto's.

local KINDS = { fig = "Figure", tbl = "Table", eq = "Equation", sec = "Section" }
local CALLOUTS = {
  note = "Note", tip = "Tip", warning = "Warning", important = "Important", caution = "Caution",
}

local counts = { fig = 0, tbl = 0, eq = 0 }
local sections = { 0, 0, 0, 0, 0, 0 }
local numbers = {}
local cites = false

local function kind_of(id)
  local kind = id:match("^(%a+)%-")
  return KINDS[kind] and kind or nil
end

local function next_number(kind, id)
  counts[kind] = counts[kind] + 1
  numbers[id] = tostring(counts[kind])
  return numbers[id]
end

local function prefixed(kind, id, inlines)
  local start = pandoc.Inlines { pandoc.Str(KINDS[kind] .. "\u{a0}" .. next_number(kind, id)) }
  if #inlines > 0 then
    start:extend { pandoc.Str(":"), pandoc.Space() }
  end
  start:extend(inlines)
  return start
end

-- A figure or table as Quarto writes it, with its caption below or above.
local function float(kind, id, content, caption, classes)
  local class = "quarto-float quarto-float-" .. kind
  local open = '<figure class="' .. class .. ' figure">'
  local side = kind == "tbl" and "top" or "bottom"
  local figcaption = pandoc.Blocks {
    pandoc.RawBlock("html", '<figcaption class="quarto-float-caption-' .. side ..
      ' quarto-float-caption quarto-float-' .. kind .. '" id="' .. id .. '-caption">'),
    pandoc.Plain(prefixed(kind, id, caption)),
    pandoc.RawBlock("html", "</figcaption>"),
  }
  local body = pandoc.Blocks { pandoc.Div(content, pandoc.Attr("", {}, {
    { "aria-describedby", id .. "-caption" } })) }
  local blocks = pandoc.Blocks { pandoc.RawBlock("html", open) }
  if kind == "tbl" then
    blocks:extend(figcaption)
    blocks:extend(body)
  else
    blocks:extend(body)
    blocks:extend(figcaption)
  end
  blocks:insert(pandoc.RawBlock("html", "</figure>"))
  classes:insert("quarto-float")
  classes:insert("quarto-figure")
  return pandoc.Div(blocks, pandoc.Attr(id, classes))
end

-- The last paragraph of a labelled div is its caption.
local function labelled_div(div)
  local kind = kind_of(div.identifier)
  local content = div.content
  local caption = pandoc.Inlines {}
  local last = content[#content]
  if last and (last.t == "Para" or last.t == "Plain") then
    caption = last.content
    content:remove(#content)
  end
  return float(kind, div.identifier, content, caption, div.classes)
end

-- `: Caption {#tbl-x}` under a table.
local function labelled_table(tbl)
  local long = tbl.caption.long
  local words = #long > 0 and pandoc.utils.blocks_to_inlines(long) or pandoc.Inlines {}
  local id = tbl.identifier
  local last = words[#words]
  if id == "" and last and last.t == "Str" then
    id = last.text:match("^{#(tbl%-[^ }]+)}$") or ""
    if id ~= "" then
      words:remove(#words)
    end
  end
  if kind_of(id) ~= "tbl" then
    return nil
  end
  while #words > 0 and words[#words].t == "Space" do
    words:remove(#words)
  end
  tbl.caption = { long = {} }
  tbl.identifier = ""
  return float("tbl", id, pandoc.Blocks { tbl }, words, pandoc.List {})
end

local function labelled_image(figure)
  local caption = pandoc.utils.blocks_to_inlines(figure.caption.long)
  return float("fig", figure.identifier, figure.content, caption, pandoc.List {})
end

local function callout(div, name)
  local title = div.attributes.title and pandoc.read(div.attributes.title).blocks[1].content
  local first = div.content[1]
  if not title and first and first.t == "Header" then
    title = first.content
    div.content:remove(1)
  end
  local shown = title or pandoc.Inlines { pandoc.Str(CALLOUTS[name]) }
  local head = pandoc.Div({ pandoc.Plain(shown) }, pandoc.Attr("", { "callout-title-container" }))
  local classes = { "callout", "callout-style-default", "callout-" .. name, "callout-titled" }
  return pandoc.Div({
    pandoc.Div({ head }, pandoc.Attr("", { "callout-header" })),
    pandoc.Div(div.content, pandoc.Attr("", { "callout-body-container", "callout-body" })),
  }, pandoc.Attr(div.identifier, classes))
end

-- `$$ ... $$ {#eq-x}`: the number stands in the formula, as in Quarto without MathJax.
local function equations(block)
  local found = pandoc.Inlines {}
  for _, inline in ipairs(block.content) do
    local id = inline.t == "Str" and inline.text:match("^{#(eq%-[^ }]+)}")
    local rest = id and inline.text:sub(#id + 4)
    while id and #found > 0 and (found[#found].t == "Space" or found[#found].t == "SoftBreak") do
      found:remove(#found)
    end
    local math = found[#found]
    if id and math and math.t == "Math" and math.mathtype == "DisplayMath" then
      math.text = math.text .. " \\qquad(" .. next_number("eq", id) .. ")"
      found[#found] = pandoc.Span({ math }, pandoc.Attr(id))
      if rest ~= "" then
        found:insert(pandoc.Str(rest))
      end
    else
      found:insert(inline)
    end
  end
  block.content = found
  return block
end

local function section(header)
  if header.classes:includes("unnumbered") then
    return nil
  end
  sections[header.level] = sections[header.level] + 1
  for level = header.level + 1, #sections do
    sections[level] = 0
  end
  if kind_of(header.identifier) == "sec" then
    local parts = {}
    for level = 1, header.level do
      if sections[level] > 0 then
        table.insert(parts, tostring(sections[level]))
      end
    end
    numbers[header.identifier] = table.concat(parts, ".")
  end
end

local function reference(cite)
  local shown = pandoc.Inlines {}
  for index, citation in ipairs(cite.citations) do
    local id = citation.id:sub(1, 1):lower() .. citation.id:sub(2)
    local kind = kind_of(id)
    if not kind then
      cites = true
      return nil
    end
    if index > 1 then
      shown:extend { pandoc.Str(","), pandoc.Space() }
    end
    if numbers[id] then
      local text = numbers[id]
      if #citation.prefix > 0 then
        text = pandoc.utils.stringify(citation.prefix) .. "\u{a0}" .. text
      elseif citation.mode ~= "SuppressAuthor" then
        text = KINDS[kind] .. "\u{a0}" .. text
      end
      shown:insert(pandoc.Link(text, "#" .. id, "", pandoc.Attr("", { "quarto-xref" })))
    else
      io.stderr:write("WARNING: unable to resolve @" .. id .. "\n")
      shown:insert(pandoc.Strong { pandoc.Str("?@" .. id) })
    end
  end
  return shown
end

local function other_page(link)
  local page, anchor = link.target:match("^([^:#]+)%.qmd(#?.*)$")
  if page then
    link.target = page .. ".html" .. anchor
    return link
  end
end

local function bibliography(doc)
  if cites then
    local heading = '<h2 class="anchored quarto-appendix-heading">References</h2>'
    doc.blocks:insert(pandoc.Div({
      pandoc.RawBlock("html", '<section id="quarto-bibliography">' .. heading),
      pandoc.Div({}, pandoc.Attr("refs")),
      pandoc.RawBlock("html", "</section>"),
    }, pandoc.Attr("quarto-appendix", { "default" })))
  end
  return doc
end

local number = {
  traverse = "topdown",
  Div = function(div)
    local kind = kind_of(div.identifier)
    if kind == "fig" or kind == "tbl" then
      return labelled_div(div)
    end
    for _, class in ipairs(div.classes) do
      local name = class:match("^callout%-(%a+)$")
      if name and CALLOUTS[name] and not div.classes:includes("callout") then
        return callout(div, name)
      end
    end
  end,
  Table = labelled_table,
  Figure = function(figure)
    return kind_of(figure.identifier) == "fig" and labelled_image(figure) or nil
  end,
  Para = equations,
  Plain = equations,
  Header = section,
}

return { number, { Cite = reference, Link = other_page }, { Pandoc = bibliography } }
