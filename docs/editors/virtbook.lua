-- Starts `virtbook lsp` for runbooks and inventories: put this file into ~/.config/nvim/plugin/. See docs/language-server.md.
local clients = {}

local function start(buffer)
  local root = vim.fn.getcwd()
  local config = {
    name = 'virtbook',
    cmd = { vim.env.VIRTBOOK or 'virtbook', 'lsp' },
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
    on_attach = function(_, attached)
      vim.bo[attached].omnifunc = 'v:lua.vim.lsp.omnifunc'
    end,
  }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  -- Before Neovim 0.8.
  clients[root] = clients[root] or vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(buffer, clients[root])
end

vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, {
  pattern = { '*.runbook.yaml', '*.runbook.yml', '*.inventory.yaml', '*.inventory.yml' },
  callback = function(event)
    start(event.buf)
  end,
})
