// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Bonds} from "./base/Bonds.sol";
import {IEarnings} from "./interfaces/IEarnings.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {INets} from "./interfaces/INets.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Permit} from "./interfaces/ITypes.sol";
import {WorkerPages} from "./libraries/WorkerPages.sol";

/// @title Registry
/// @notice See {IRegistry}.
/// @custom:invariant tokens held >= sum over providers of stake + thawing
/// @custom:invariant liens of every provider <= its stake
contract Registry is IRegistry, AccessManaged, Bonds {
    using SafeERC20 for IERC20;

    /// @dev Slots: owner + stake | operator + liens | payout | nextPayout + payoutFrom. Joining without an operator and
    /// with the owner as payout account, which the zero stands for, writes the first one only.
    struct Provider {
        address owner;
        uint96 stake;
        address operator;
        uint96 liens;
        address payout;
        address nextPayout;
        uint32 payoutFrom;
    }

    /// @dev One slot. Stake on its way out stands with the id, so that a thaw needs no new slot.
    struct Account {
        uint32 id;
        uint32 thawedAt;
        uint96 thawing;
    }

    /// @notice Seconds stake thaws.
    uint32 public constant THAW = 7 days;
    /// @notice Seconds between accepting and applying a payout address; no shorter than the thaw.
    uint32 public constant PAYOUT_NOTICE = 7 days;
    /// @notice Seconds between revoking a worker and its last tally; no longer than the thaw.
    uint32 public constant KEY_NOTICE = 1 days;
    uint32 private constant MAX_PAUSE = 14 days;

    /// @notice The token that is staked.
    IERC20 public immutable STAKE_TOKEN;

    address private immutable _DEPLOYER;

    /// @notice The settlement, whose clock this runs on and which reserves and releases stake.
    address public settlement;
    uint32 private _lastProvider;
    uint32 private _lastPage;
    uint32 private _pausedUntil;

    mapping(uint256 id => Provider provider) private _providers;
    mapping(address owner => Account account) private _accounts;
    /// @dev By provider id (bits 160..191) and key, so that a key registered twice is revoked once and for all.
    mapping(uint256 membership => uint32 from) private _revokedFrom;

    modifier onlyOwner(uint32 provider) {
        require(_isOwner(provider, msg.sender), RegistryUnauthorized(provider, msg.sender));
        _;
    }

    modifier onlyOperator(uint32 provider) {
        require(isOperator(provider, msg.sender), RegistryUnauthorized(provider, msg.sender));
        _;
    }

    modifier onlySettlement(uint32 provider) {
        require(msg.sender == settlement, RegistryUnauthorized(provider, msg.sender));
        _;
    }

    constructor(address authority, IERC20 stakeToken) AccessManaged(authority) {
        STAKE_TOKEN = stakeToken;
        _DEPLOYER = msg.sender;
    }

    /// @inheritdoc IRegistry
    function bind(address settlement_) external {
        require(
            msg.sender == _DEPLOYER && settlement == address(0) && settlement_ != address(0),
            RegistryBindRefused(msg.sender)
        );
        settlement = settlement_;
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
        (self.owner, self.stake) = (msg.sender, amount);
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
        _providers[provider].stake += amount;
        _takeStake(provider, amount);
    }

    /// @inheritdoc IRegistry
    function thaw(uint32 provider, uint96 amount) external onlyOwner(provider) {
        require(amount != 0, RegistryZeroAmount());
        Provider storage self = _requireFree(provider, amount);
        uint32 readyAt = _clock() + THAW;
        self.stake -= amount;
        Account storage account = _accounts[msg.sender];
        (account.thawing, account.thawedAt) = (account.thawing + amount, readyAt);
        emit Thawing(provider, amount, readyAt);
        IEarnings(settlement).refreshCover(provider);
    }

    /// @inheritdoc IRegistry
    function withdrawStake(uint32 provider, address to) external onlyOwner(provider) returns (uint96 amount) {
        require(to != address(0), RegistryZeroAddress());
        Account memory account = _accounts[msg.sender];
        uint32 now_ = _clock();
        require(account.thawedAt != 0 && now_ >= account.thawedAt, RegistryTooEarly(provider, now_, account.thawedAt));
        amount = account.thawing;
        _accounts[msg.sender] = Account(account.id, 0, 0);
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
        IEarnings(settlement).setPayout(provider, payout);
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
    function reserve(uint32 provider, uint96 amount) external onlySettlement(provider) {
        Provider storage self = _requireFree(provider, amount);
        self.liens += amount;
        emit Reserved(provider, amount);
    }

    /// @inheritdoc IRegistry
    function release(uint32 provider, uint96 amount) external onlySettlement(provider) {
        Provider storage self = _providers[provider];
        // A slash may have taken part of what was reserved, and must not keep a deal from closing.
        uint96 freed = amount < self.liens ? amount : self.liens;
        self.liens -= freed;
        emit Released(provider, freed);
    }

    /// @inheritdoc IRegistry
    function providerOf(uint32 provider) external view returns (ProviderView memory) {
        Provider memory self = _providers[provider];
        Account memory account = _accounts[self.owner];
        return
            ProviderView(
                self.owner,
                self.operator,
                payoutOf(provider),
                self.stake,
                self.liens,
                account.thawing,
                account.thawedAt,
                self.nextPayout,
                self.payoutFrom
            );
    }

    /// @inheritdoc IRegistry
    function idOf(address owner) external view returns (uint32) {
        return _accounts[owner].id;
    }

    /// @inheritdoc IRegistry
    function slashable(uint32 provider) external view returns (uint96) {
        return _providers[provider].stake;
    }

    /// @inheritdoc IRegistry
    function revokedFrom(uint40 index) external view returns (uint32) {
        (uint32 provider, address key) = workerAt(index);
        return _revokedFrom[_membership(provider, key)];
    }

    /// @inheritdoc IRegistry
    function payoutOf(uint32 provider) public view returns (address payout) {
        payout = _providers[provider].payout;
        if (payout == address(0)) payout = _providers[provider].owner;
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

    function _bondsChanged() internal override {
        INets(settlement).refreshBonds();
    }

    function _clock() internal override returns (uint32) {
        return ILedger(settlement).tick();
    }

    function _thawedAt() internal override returns (uint32) {
        return _clock() + THAW;
    }

    function _stakeToken() internal view override returns (IERC20) {
        return STAKE_TOKEN;
    }

    /// @dev Whoever front-runs the permit leaves the allowance it was for; without one the transfer fails.
    function _permit(uint96 amount, Permit calldata permit) private {
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

    function _requireNotPaused() private {
        uint32 until = _pausedUntil;
        require(until == 0 || _clock() >= until, RegistryPaused(until));
    }

    function _isOwner(uint32 provider, address account) private view returns (bool) {
        return provider != 0 && _accounts[account].id == provider;
    }

    /// @dev Stake that is not reserved; a slash may have left less than is.
    function _requireFree(uint32 provider, uint96 amount) private view returns (Provider storage self) {
        self = _providers[provider];
        (uint96 stake_, uint96 liens) = (self.stake, self.liens);
        uint96 free = stake_ > liens ? stake_ - liens : 0;
        require(amount <= free, RegistryInsufficientStake(provider, free, amount));
    }

    function _membership(uint32 provider, address key) private pure returns (uint256) {
        return (uint256(provider) << 160) | uint160(key);
    }
}
