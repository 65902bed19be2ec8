// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ILedger} from "../interfaces/ILedger.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {Permit} from "../interfaces/ITypes.sol";
import {LienLib} from "../libraries/LienLib.sol";

/// @title Stakes
/// @notice Providers' own stake as a side of tokens and shares, and what the registry and its pools share besides.
/// @dev Liens and thawing stake are kept in shares, so a slash lowers one number, the tokens, and shrinks them pro
/// rata. A share is a token until the first slash of a generation: until then the shares are not stored. When a slash
/// leaves next to nothing, the shares are void and a new generation begins with what is left.
/// @custom:invariant shares that are reserved for deals and disputes <= shares, of every provider
abstract contract Stakes is AccessManaged {
    /// @dev Slots: owner + tokens + era | operator + blocked | payout | nextPayout + payoutFrom. Joining without an
    /// operator and with the owner as payout account, which the zero stands for, writes the first one only.
    /// Tokens are all that are here, thawing ones too. Blocked are the shares under a lien: a thaw alone writes no new
    /// slot. Era is the generation (upper 6 bits), whether something thaws, and whether the generation was slashed.
    struct Provider {
        address owner;
        uint88 tokens;
        uint8 era;
        address operator;
        uint96 blocked;
        address payout;
        address nextPayout;
        uint32 payoutFrom;
    }

    /// @dev One slot of the provider that an account owns. Shares are all there are, zero before the first slash of
    /// the generation. Never new when a slash writes it.
    struct Account {
        uint32 id;
        uint32 thawedAt;
        uint96 thawing;
        uint96 shares;
    }

    /// @dev Shares under liens of open disputes: of the own side, within its blocked ones, and of the pool.
    struct Disputes {
        uint96 own;
        uint96 pooled;
    }

    /// @dev What leaves the vault within a refill's time stays below its capacity, or was one case larger than that.
    struct Limiter {
        uint88 capacity;
        uint88 used;
        uint32 usedAt;
        uint32 refill;
    }

    /// @notice Seconds stake thaws.
    uint32 public constant THAW = 7 days;
    /// @dev A slash leaves at least this part of a token, as a power of two, to a share, or else ends the generation:
    /// numbers of shares stay bounded by numbers of tokens.
    uint256 internal constant DUST = 16;
    uint256 internal constant MAX_TOKENS = type(uint88).max;
    uint256 internal constant BPS = 10_000;
    uint256 private constant SLASHED = 1;
    uint256 private constant THAWS = 2;
    uint256 private constant GENERATION_SHIFT = 2;
    uint256 private constant LAST_GENERATION = 63;

    /// @notice The token that is staked.
    IERC20 public immutable STAKE_TOKEN;

    uint32 internal _lastPage;
    uint32 internal _pausedUntil;
    uint16 internal _poolCapBps = 5000;
    /// @notice The settlement, whose clock this runs on and which reserves, releases and slashes stake.
    address public settlement;
    /// @dev Stake token base units a unit of gas is worth, for the least slash.
    uint64 internal _gasValue;
    uint32 internal _lastProvider;

    mapping(uint256 id => Provider provider) internal _providers;
    mapping(address owner => Account account) internal _accounts;
    mapping(address account => bool isOne) internal _courts;
    mapping(uint256 provider => Disputes disputes) internal _disputes;
    Limiter internal _limiter = Limiter(1_000_000e18, 0, 0, 1 days);

    modifier onlyOwner(uint32 provider) {
        require(_isOwner(provider, msg.sender), IRegistry.RegistryUnauthorized(provider, msg.sender));
        _;
    }

    modifier onlySettlement(uint32 provider) {
        require(msg.sender == settlement, IRegistry.RegistryUnauthorized(provider, msg.sender));
        _;
    }

    modifier onlyCourts() {
        require(msg.sender == settlement || _courts[msg.sender], IRegistry.RegistryUnauthorized(0, msg.sender));
        _;
    }

    constructor(address authority, IERC20 stakeToken) AccessManaged(authority) {
        STAKE_TOKEN = stakeToken;
    }

    /// @dev The protocol clock, touched.
    function _clock() internal returns (uint32) {
        return ILedger(settlement).tick();
    }

    /// @dev Whoever front-runs the permit leaves the allowance it was for; without one the transfer fails.
    function _permit(uint96 amount, Permit calldata permit) internal {
        try
            IERC20Permit(address(STAKE_TOKEN)).permit(
                msg.sender,
                address(this),
                amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {}
    }

    function _requireNotPaused() internal {
        uint32 until = _pausedUntil;
        require(until == 0 || _clock() >= until, IRegistry.RegistryPaused(until));
    }

    /// @dev Books stake that comes in.
    function _grow(uint32 provider, uint256 amount) internal {
        Provider storage self = _providers[provider];
        (uint256 tokens, uint256 all) = _sideOf(self);
        require(tokens + amount <= MAX_TOKENS, IRegistry.RegistryTooMuchStake(provider, amount));
        self.tokens = uint88(tokens + amount);
        if (!_isSlashed(self.era)) return;
        require(tokens != 0, IRegistry.RegistryTooMuchStake(provider, amount));
        all += _sharesDown(amount, tokens, all);
        require(all <= type(uint96).max, IRegistry.RegistryTooMuchStake(provider, amount));
        _accounts[self.owner].shares = uint96(all);
    }

    /// @dev Gives back what a slash took: liens and thawing stake regain their part. Not if a share would be worth so
    /// much that nothing small could be reserved any more: then it is new stake.
    function _regrow(uint32 provider, uint256 amount) internal {
        Provider storage self = _providers[provider];
        (uint256 tokens, uint256 all) = _sideOf(self);
        if (tokens != 0 && tokens + amount > all << DUST) return _grow(provider, amount);
        require(tokens + amount <= MAX_TOKENS, IRegistry.RegistryTooMuchStake(provider, amount));
        self.tokens = uint88(tokens + amount);
    }

    /// @dev Shares of the account's own side begin to thaw, with all that thaw already.
    function _beginThaw(Provider storage self, Account storage account, uint256 shares, uint32 readyAt) internal {
        (account.thawing, account.thawedAt) = (account.thawing + uint96(shares), readyAt);
        self.era = uint8(self.era | THAWS);
    }

    /// @dev Shares that thawed leave the side with what they are worth.
    function _withdraw(
        Provider storage self,
        Account storage account,
        uint256 shares
    ) internal returns (uint256 amount) {
        (uint256 tokens, uint256 all) = _sideOf(self);
        amount = _tokensDown(shares, tokens, all);
        uint256 era = self.era;
        uint256 thawing = account.thawing - shares;
        account.thawing = uint96(thawing);
        if (thawing == 0) (account.thawedAt, era) = (0, era ^ THAWS);
        if (_isSlashed(era)) {
            account.shares = uint96(all - shares);
            if (all == shares) era -= SLASHED;
        }
        (self.tokens, self.era) = (uint88(tokens - amount), uint8(era));
    }

    /// @dev Takes `min(asked, tokens)`.
    function _slashOwn(uint32 provider, uint256 asked) internal returns (uint256 taken) {
        Provider storage self = _providers[provider];
        (uint256 tokens, uint256 era) = (self.tokens, self.era);
        taken = Math.min(asked, tokens);
        if (taken == 0) return 0;
        Account storage account = _accounts[self.owner];
        bool isSlashed = _isSlashed(era);
        uint256 left = tokens - taken;
        if (left << DUST < (isSlashed ? account.shares : tokens) && _generationOf(era) < LAST_GENERATION) {
            _beginGeneration(provider, self, account, left);
            return taken;
        }
        (self.tokens, self.era) = (uint88(left), uint8(era | SLASHED));
        if (!isSlashed) account.shares = uint96(tokens);
    }

    /// @dev Shares that nothing blocks must be worth `amount`.
    /// @return self The provider.
    /// @return shares Shares that are worth `amount`, rounded up.
    function _requireFree(
        uint32 provider,
        uint256 amount
    ) internal view returns (Provider storage self, uint256 shares) {
        self = _providers[provider];
        (uint256 tokens, uint256 all) = _sideOf(self);
        uint256 blocked = self.blocked + _thawingOf(self);
        uint256 free = all > blocked ? all - blocked : 0;
        shares = _sharesUp(amount, tokens, all);
        require(
            shares <= free && shares <= type(uint88).max,
            IRegistry.RegistryInsufficientStake(provider, _tokensDown(free, tokens, all), amount)
        );
    }

    function _isOwner(uint32 provider, address account) internal view returns (bool) {
        return provider != 0 && _accounts[account].id == provider;
    }

    function _payoutOf(uint32 provider) internal view returns (address payout) {
        payout = _providers[provider].payout;
        if (payout == address(0)) payout = _providers[provider].owner;
    }

    /// @dev Tokens and shares of the own side.
    function _sideOf(Provider storage self) internal view returns (uint256 tokens, uint256 all) {
        tokens = self.tokens;
        all = _isSlashed(self.era) ? _accounts[self.owner].shares : tokens;
    }

    /// @dev Shares that thaw. Reads the owner's account only if there are any.
    function _thawingOf(Provider storage self) internal view returns (uint256) {
        return self.era & THAWS == 0 ? 0 : _accounts[self.owner].thawing;
    }

    /// @dev What a deal's lien is worth, rounded down.
    function _lienValue(uint32 provider, uint96 lien) internal view returns (uint256) {
        Provider storage self = _providers[provider];
        if (LienLib.generation(lien) != _generationOf(self.era)) return 0;
        (uint256 tokens, uint256 all) = _sideOf(self);
        return _tokensDown(LienLib.shares(lien), tokens, all);
    }

    /// @dev What of the own stake can be slashed, does not thaw and is not in a dispute.
    function _activeOwn(uint32 provider) internal view returns (uint256) {
        Provider storage self = _providers[provider];
        (uint256 tokens, uint256 all) = _sideOf(self);
        uint256 out = _thawingOf(self) + _disputes[provider].own;
        return out >= all ? 0 : tokens - _tokensUp(out, tokens, all);
    }

    function _generationOf(uint256 era) internal pure returns (uint256) {
        return era >> GENERATION_SHIFT;
    }

    function _isSlashed(uint256 era) internal pure returns (bool) {
        return era & SLASHED != 0;
    }

    function _sharesUp(uint256 amount, uint256 tokens, uint256 all) internal pure returns (uint256) {
        if (all == tokens || amount == 0) return amount;
        return tokens == 0 ? type(uint256).max : Math.ceilDiv(amount * all, tokens);
    }

    function _sharesDown(uint256 amount, uint256 tokens, uint256 all) internal pure returns (uint256) {
        return all == tokens ? amount : (amount * all) / tokens;
    }

    function _tokensDown(uint256 shares, uint256 tokens, uint256 all) internal pure returns (uint256) {
        return all == tokens ? shares : (shares * tokens) / all;
    }

    function _tokensUp(uint256 shares, uint256 tokens, uint256 all) internal pure returns (uint256) {
        return all == tokens ? shares : Math.ceilDiv(shares * tokens, all);
    }

    function _beginGeneration(uint32 provider, Provider storage self, Account storage account, uint256 left) private {
        (self.tokens, self.era) = (uint88(left), uint8((_generationOf(self.era) + 1) << GENERATION_SHIFT));
        self.blocked = 0;
        (account.thawedAt, account.thawing, account.shares) = (0, 0, 0);
        if (_disputes[provider].own != 0) _disputes[provider].own = 0;
    }
}
