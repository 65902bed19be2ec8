// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Pools} from "./Pools.sol";
import {Stakes} from "./base/Stakes.sol";
import {Vault} from "./base/Vault.sol";
import {IEarnings} from "./interfaces/IEarnings.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Permit} from "./interfaces/ITypes.sol";
import {ForwardLib} from "./libraries/ForwardLib.sol";
import {LienLib} from "./libraries/LienLib.sol";
import {WorkerPages} from "./libraries/WorkerPages.sol";

/// @title Registry
/// @notice See {IRegistry}.
contract Registry is IRegistry, Vault {
    using SafeERC20 for IERC20;

    /// @notice Seconds between accepting and applying a payout address; no shorter than the thaw.
    uint32 public constant PAYOUT_NOTICE = 7 days;
    /// @notice Seconds between revoking a worker and its last tally; no longer than the thaw.
    uint32 public constant KEY_NOTICE = 1 days;
    uint32 private constant MAX_PAUSE = 14 days;

    /// @dev Least slash per unit of gas of its proof at first, stake token base units.
    uint64 private constant GAS_VALUE = 1e12;

    /// @notice Code of delegation, run on this state.
    address public immutable POOLS;
    address private immutable _DEPLOYER;

    /// @dev By provider id (bits 160..191) and key, so that a key registered twice is revoked once and for all.
    mapping(uint256 membership => uint32 from) private _revokedFrom;

    modifier onlyOperator(uint32 provider) {
        require(isOperator(provider, msg.sender), RegistryUnauthorized(provider, msg.sender));
        _;
    }

    constructor(Pools pools) Stakes(pools.authority(), pools.STAKE_TOKEN()) {
        POOLS = address(pools);
        _DEPLOYER = msg.sender;
    }

    /// @notice Every call that is not the registry's own goes on to the code of delegation.
    fallback() external {
        ForwardLib.forward(POOLS);
    }

    /// @inheritdoc IRegistry
    function bind(address settlement_, address[] calldata courts) external {
        require(
            msg.sender == _DEPLOYER && settlement == address(0) && settlement_ != address(0),
            RegistryBindRefused(msg.sender)
        );
        (settlement, _gasValue) = (settlement_, GAS_VALUE);
        for (uint256 i = 0; i < courts.length; ++i) _courts[courts[i]] = true;
        emit Bound(settlement_, courts);
    }

    /// @inheritdoc IRegistry
    function join(
        uint96 amount,
        Permit calldata permit,
        address payout,
        address operator,
        bytes calldata keys
    ) external returns (uint32 provider) {
        require(_accounts[msg.sender].id == 0, RegistryAlreadyJoined(msg.sender));
        require(payout != address(0), RegistryZeroAddress());
        provider = ++_lastProvider;
        _accounts[msg.sender].id = provider;
        Provider storage self = _providers[provider];
        require(amount <= MAX_TOKENS, RegistryTooMuchStake(provider, amount));
        (self.owner, self.tokens) = (msg.sender, uint88(amount));
        if (payout != msg.sender) self.payout = payout;
        emit Joined(provider, msg.sender, payout);
        if (operator != address(0)) {
            self.operator = operator;
            emit OperatorSet(provider, operator);
        }
        IEarnings(settlement).setPayout(provider, payout);
        if (keys.length != 0) _registerWorkers(provider, keys);
        if (amount != 0) {
            _permit(amount, permit);
            _takeStake(provider, amount);
        }
    }

    /// @inheritdoc IRegistry
    function stake(uint32 provider, uint96 amount) external {
        require(_providers[provider].owner != address(0), RegistryUnknownProvider(provider));
        require(amount != 0, RegistryZeroAmount());
        _grow(provider, amount);
        _takeStake(provider, amount);
    }

    /// @inheritdoc IRegistry
    function thaw(uint32 provider, uint96 amount) external onlyOwner(provider) {
        require(amount != 0, RegistryZeroAmount());
        (Provider storage self, uint256 shares) = _requireFree(provider, amount);
        uint32 readyAt = _clock() + THAW;
        _beginThaw(self, _accounts[msg.sender], shares, readyAt);
        emit Thawing(provider, amount, readyAt);
        IEarnings(settlement).refreshCover(provider);
    }

    /// @inheritdoc IRegistry
    function withdrawStake(uint32 provider, address to) external onlyOwner(provider) returns (uint96 amount) {
        require(to != address(0), RegistryZeroAddress());
        Provider storage self = _providers[provider];
        Account storage account = _accounts[msg.sender];
        (uint256 thawing, uint32 thawedAt, uint32 now_) = (account.thawing, account.thawedAt, _clock());
        require(thawedAt != 0 && now_ >= thawedAt, RegistryTooEarly(provider, now_, thawedAt));
        uint256 shares = _unliened(self, thawing);
        require(shares != 0, RegistryInsufficientStake(provider, 0, thawing));
        amount = uint96(_withdraw(self, account, shares));
        emit StakeWithdrawn(provider, to, amount);
        STAKE_TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IRegistry
    function registerWorkers(
        uint32 provider,
        bytes calldata keys
    ) external onlyOperator(provider) returns (uint40 firstIndex) {
        return _registerWorkers(provider, keys);
    }

    /// @inheritdoc IRegistry
    function packWorkers(uint40[] calldata indexes) external returns (uint40 firstIndex) {
        uint256 count = indexes.length;
        require(count != 0 && count <= WorkerPages.ROWS, RegistryBadRows(count));
        bytes memory rows = WorkerPages.newRows(count);
        for (uint256 i = 0; i < count; ++i) {
            (uint256 provider, address key) = workerAt(indexes[i]);
            require(key != address(0), RegistryUnknownWorker(indexes[i]));
            WorkerPages.writeRow(rows, i, provider, key);
        }
        firstIndex = _createPage(rows);
        emit WorkersPacked(firstIndex, indexes);
    }

    /// @inheritdoc IRegistry
    function revokeWorker(uint32 provider, uint40 index, uint32 from) external onlyOperator(provider) {
        (uint32 owner, address key) = workerAt(index);
        require(owner == provider && key != address(0), RegistryNotAWorker(provider, index));
        uint256 membership = _membership(provider, key);
        uint32 current = _revokedFrom[membership];
        require(current == 0 || from < current, RegistryAlreadyRevoked(index));
        uint32 earliest = _clock() + KEY_NOTICE;
        require(from >= earliest, RegistryNoticeTooShort(from, earliest));
        _revokedFrom[membership] = from;
        emit WorkerRevoked(provider, index, from);
        IEarnings(settlement).markRevocation(provider);
    }

    /// @inheritdoc IRegistry
    function setOperator(uint32 provider, address operator) external onlyOwner(provider) {
        _providers[provider].operator = operator;
        emit OperatorSet(provider, operator);
    }

    /// @inheritdoc IRegistry
    function proposePayout(uint32 provider, address payout) external {
        Provider storage self = _providers[provider];
        require(
            _isOwner(provider, msg.sender) || (msg.sender == self.payout && payout == address(0)),
            RegistryUnauthorized(provider, msg.sender)
        );
        (self.nextPayout, self.payoutFrom) = (payout, 0);
        emit PayoutProposed(provider, payout);
    }

    /// @inheritdoc IRegistry
    function acceptPayout(uint32 provider) external {
        Provider storage self = _providers[provider];
        require(msg.sender == self.nextPayout && self.payoutFrom == 0, RegistryUnauthorized(provider, msg.sender));
        uint32 from = _clock() + PAYOUT_NOTICE;
        self.payoutFrom = from;
        emit PayoutAccepted(provider, msg.sender, from);
    }

    /// @inheritdoc IRegistry
    function applyPayout(uint32 provider) external {
        Provider storage self = _providers[provider];
        uint32 now_ = _clock();
        require(self.payoutFrom != 0 && now_ >= self.payoutFrom, RegistryTooEarly(provider, now_, self.payoutFrom));
        address payout = self.nextPayout;
        (self.payout, self.nextPayout, self.payoutFrom) = (payout, address(0), 0);
        emit PayoutSet(provider, payout);
        // A provider with a pool is paid through the registry.
        if (!_pools[provider].isOpen) IEarnings(settlement).setPayout(provider, payout);
    }

    /// @inheritdoc IRegistry
    function pause(uint32 duration) external restricted {
        require(duration <= MAX_PAUSE, ILedger.LedgerParameterOutOfBounds("pause", duration));
        uint32 now_ = _clock();
        // As long a rest as a pause may last: one cannot follow the other for ever. Ending one is always possible.
        require(duration == 0 || now_ >= _pausedUntil + MAX_PAUSE, ILedger.LedgerPauseTooSoon(_pausedUntil));
        _pausedUntil = now_ + duration;
        emit Paused(_pausedUntil);
    }

    /// @inheritdoc IRegistry
    function reserve(uint32 provider, uint96 amount) external onlySettlement(provider) returns (uint96 lien_) {
        (Provider storage self, uint256 shares) = _requireFree(provider, amount);
        self.blocked += uint96(shares);
        lien_ = LienLib.pack(_generationOf(self.era), shares);
        emit Reserved(provider, lien_);
    }

    /// @inheritdoc IRegistry
    function release(uint32 provider, uint96 lien_) external onlySettlement(provider) {
        Provider storage self = _providers[provider];
        // A slash that emptied the side voided the lien, and must not keep a deal from closing.
        if (LienLib.generation(lien_) == _generationOf(self.era)) self.blocked -= uint96(LienLib.shares(lien_));
        emit Released(provider, lien_);
    }

    /// @inheritdoc IRegistry
    function lien(uint32 provider, uint96 amount) external onlyCourts returns (uint96 lien_) {
        Provider storage self = _providers[provider];
        (uint256 tokens, uint256 all) = _sideOf(self);
        uint256 own = LienLib.inUnits(_sharesUp(amount, tokens, all), all - self.blocked); // under no lien yet
        self.blocked += uint96(own);
        _disputes[provider].own += uint96(own);
        uint256 covered = own == 0 ? 0 : _tokensDown(own, tokens, all);
        Pool storage pool = _pools[provider];
        uint256 pooled = covered < amount ? _lienPool(provider, pool, amount - covered) : 0;
        lien_ = LienLib.packDispute(_generationOf(self.era), own, pool.generation, pooled);
        emit Liened(provider, own, pooled);
        IEarnings(settlement).refreshCover(provider);
    }

    /// @inheritdoc IRegistry
    function unlien(uint32 provider, uint96 lien_) external onlyCourts {
        Provider storage self = _providers[provider];
        Disputes storage disputes = _disputes[provider];
        bool isAlive = LienLib.generation(lien_) == _generationOf(self.era);
        uint256 own = isAlive ? LienLib.ownShares(lien_) : 0;
        self.blocked -= uint96(own);
        isAlive = LienLib.poolGeneration(lien_) == _pools[provider].generation;
        uint256 pooled = isAlive ? LienLib.poolShares(lien_) : 0;
        (disputes.own, disputes.pooled) = (disputes.own - uint96(own), disputes.pooled - uint96(pooled));
        emit Unliened(provider, own, pooled);
        IEarnings(settlement).refreshCover(provider);
    }

    /// @inheritdoc IRegistry
    function providerOf(uint32 provider) external view returns (ProviderView memory) {
        Provider storage self = _providers[provider];
        Account memory account = _accounts[self.owner];
        (uint256 tokens, uint256 all) = _sideOf(self);
        uint256 thawing = _tokensDown(account.thawing, tokens, all);
        return
            ProviderView(
                self.owner,
                self.operator,
                payoutOf(provider),
                uint96(tokens - thawing),
                uint96(_tokensUp(self.blocked, tokens, all)),
                uint96(thawing),
                account.thawedAt,
                self.nextPayout,
                self.payoutFrom
            );
    }

    /// @inheritdoc IRegistry
    function sideOf(uint32 provider) external view returns (SideView memory) {
        Provider storage self = _providers[provider];
        (uint256 tokens, uint256 all) = _sideOf(self);
        uint96 thawing = uint96(_thawingOf(self));
        return
            SideView(
                uint96(tokens),
                uint96(all),
                self.blocked + thawing,
                thawing,
                _disputes[provider].own,
                uint8(_generationOf(self.era))
            );
    }

    /// @inheritdoc IRegistry
    function lienValue(uint32 provider, uint96 lien_) external view returns (uint96) {
        return uint96(_lienValue(provider, lien_));
    }

    /// @inheritdoc IRegistry
    function isCourt(address account) external view returns (bool) {
        return _courts[account];
    }

    /// @inheritdoc IRegistry
    function idOf(address owner) external view returns (uint32) {
        return _accounts[owner].id;
    }

    /// @inheritdoc IRegistry
    function slashable(uint32 provider) external view returns (uint96) {
        return uint96(_activeOwn(provider) + _activePool(provider));
    }

    /// @inheritdoc IRegistry
    function revokedFrom(uint40 index) external view returns (uint32) {
        (uint32 provider, address key) = workerAt(index);
        return _revokedFrom[_membership(provider, key)];
    }

    /// @inheritdoc IRegistry
    function payoutOf(uint32 provider) public view returns (address) {
        return _payoutOf(provider);
    }

    /// @inheritdoc IRegistry
    function isOperator(uint32 provider, address account) public view returns (bool) {
        return _isOwner(provider, account) || (account != address(0) && account == _providers[provider].operator);
    }

    /// @inheritdoc IRegistry
    function workerAt(uint40 index) public view returns (uint32 provider, address key) {
        address page = WorkerPages.addressOf(address(this), index / WorkerPages.ROWS);
        uint256 owner;
        (owner, key) = WorkerPages.memberAt(page, index % WorkerPages.ROWS);
        provider = uint32(owner);
    }

    function _takeWithPermit(uint96 amount, Permit calldata permit) internal override {
        require(amount != 0, RegistryZeroAmount());
        _requireNotPaused();
        _permit(amount, permit);
        STAKE_TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @dev Puts shares of the pool under a lien that no other one is on.
    function _lienPool(uint32 provider, Pool storage self, uint256 amount) private returns (uint256 shares) {
        (uint256 all, uint256 disputed) = (self.shares, _disputes[provider].pooled);
        shares = LienLib.inUnits(_sharesUp(amount, self.tokens, all), all - disputed);
        if (shares != 0) _disputes[provider].pooled = uint96(disputed + shares);
    }

    /// @dev Pulls stake that is booked already.
    function _takeStake(uint32 provider, uint96 amount) private {
        _requireNotPaused();
        emit Staked(provider, amount);
        IEarnings(settlement).refreshCover(provider);
        STAKE_TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function _registerWorkers(uint32 provider, bytes calldata keys) private returns (uint40 firstIndex) {
        uint256 count = keys.length / WorkerPages.KEY;
        require(
            count != 0 && count <= WorkerPages.ROWS && keys.length == count * WorkerPages.KEY,
            RegistryBadKeys(keys.length)
        );
        bytes memory rows = WorkerPages.newRows(count);
        for (uint256 i = 0; i < count; ++i) {
            address key = WorkerPages.keyIn(keys, i);
            require(key != address(0), RegistryBadKeys(keys.length));
            WorkerPages.writeRow(rows, i, provider, key);
        }
        firstIndex = _createPage(rows);
        emit WorkersRegistered(provider, firstIndex, keys);
    }

    function _createPage(bytes memory rows) private returns (uint40 firstIndex) {
        uint256 page = ++_lastPage;
        require(page <= WorkerPages.MAX_PAGE, RegistryPagesExhausted());
        WorkerPages.create(rows);
        return uint40(page * WorkerPages.ROWS);
    }

    /// @dev What of the thawing shares no lien of a dispute reaches: those of deals never do.
    function _unliened(Provider storage self, uint256 thawing) private view returns (uint256) {
        (, uint256 all) = _sideOf(self);
        uint256 blocked = self.blocked + thawing;
        uint256 held = blocked > all ? blocked - all : 0;
        return thawing > held ? thawing - held : 0;
    }

    function _membership(uint32 provider, address key) private pure returns (uint256) {
        return (uint256(provider) << 160) | uint160(key);
    }
}
