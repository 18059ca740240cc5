-- Opened in `nvim --headless` with docs/editors/virtbook.lua: prints what Neovim shows of a runbook, as JSON on the last line.
-- What goes wrong ends it at once, with the reason.

local function wait(what, ready)
  if not vim.wait(30000, ready, 20) then
    error(what .. ' did not come')
  end
end

local function look()
  vim.cmd('edit moves.runbook.yaml')
  local buffer = vim.api.nvim_get_current_buf()
  wait('diagnostics', function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  local diagnostics = {}
  for _, one in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(diagnostics, { line = one.lnum, code = one.code })
  end

  local function ask(method, line, character)
    local answered
    vim.lsp.buf_request(buffer, method, {
      textDocument = { uri = vim.uri_from_bufnr(buffer) },
      position = { line = line, character = character },
    }, function(problem, result)
      answered = problem and { error = problem.message } or result or {}
    end)
    wait(method, function()
      return answered ~= nil
    end)
    return answered
  end

  local labels = {}
  local completed = ask('textDocument/completion', 6, 14)
  for _, item in ipairs(completed.items or completed) do
    table.insert(labels, item.label)
  end
  local hover = ask('textDocument/hover', 6, 14)

  -- The mistake is corrected by typing.
  vim.api.nvim_buf_set_text(buffer, 7, 19, 7, 20, { '1' })
  wait('the end of the diagnostics', function()
    return #vim.diagnostic.get(buffer) == 0
  end)
  io.stdout:write('\n' .. vim.json.encode({ diagnostics = diagnostics, labels = labels, hover = hover.contents.value }) .. '\n')
end

local fine, problem = pcall(look)
if not fine then
  io.stderr:write(problem .. '\n')
end
vim.cmd(fine and 'qall!' or 'cquit!')
